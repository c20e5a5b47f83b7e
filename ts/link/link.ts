/**
 * The seam: what every backend gives, and all that the layers above may ask of it.
 *
 * A link is an ordered, bounded, duplex channel of whole messages. A driver makes links. Mechanism
 * (sockets, framing, queues, counters) lives below this file, twice; policy (which codec, when to
 * reconnect, what a drop means) lives above it, once. Nothing above imports a driver's own types.
 */
import type { Agent, Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { QWormholeError } from '../errors/error.js';
import type { CoalescingValues } from './coalescing.js';
import type { Heartbeat } from './liveness.js';
import type { RateLimits } from './rate.js';
import type { HandshakeInfo, QwhListenSettings, QwhSettings } from './qwh.js';
import type { TlsDialSettings, TlsInfo, TlsListenSettings } from './tls.js';

/** The backend in use, as users read it. */
export type Mode = 'native' | 'ts';
/** The name of that backend, the same string as in the handshake. */
export type Backend = 'rust' | 'ts';

/** What carries the bytes: a TCP stream, or WebSocket frames on one, with TLS or without; a Unix socket or a pipe. */
export type Carrier = 'tcp' | 'tls' | 'ws' | 'wss' | 'unix' | 'pipe';

/** How messages lie on the wire. */
export type Protocol = 'raw' | 'length-prefixed' | 'qwh';

/**
 * What became of a message: handed on, handed on but stop until `drain`, or not accepted.
 * `backpressure` means accepted with the queue at or above the high watermark.
 */
export type SendResult = 'sent' | 'backpressure' | 'dropped';

/**
 * Why a message was not accepted; the last three also of messages that were accepted and then dropped, as their
 * policies say.
 */
export type DropReason =
  | 'closed'
  | 'queue-full'
  | 'budget'
  | 'rate-limited'
  | 'too-big'
  | 'offline'
  | 'expired'
  | 'displaced'
  | 'conflated';

/** Order between queued messages: 0 high overtakes 1 normal overtakes 2 low, whole message by whole message. */
export type ClassIndex = 0 | 1 | 2;

/** How a link ended. `code` is from the one number space of `close-codes.ts`. */
export interface LinkClose {
  readonly code: number;
  readonly reason: string;
  /** Both sides ended between two messages and everything accepted reached the kernel. */
  readonly clean: boolean;
  /** When the peer wants us back, ms, if it said so. */
  readonly retryAfterMs?: number;
  /** The fault behind an unclean end. */
  readonly error?: QWormholeError;
}

/** What the links of one listener have in common, by and large: they share it, wherever they are many. */
export interface Route {
  readonly carrier: Carrier;
  /** Addresses are empty, and ports 0, on Unix sockets and pipes. */
  readonly localAddress: string;
  readonly localPort: number;
  /** WebSocket: the subprotocol that both ends agreed on, empty for none. */
  readonly subprotocol?: string;
  /** WebSocket: permessage-deflate was agreed on. */
  readonly isDeflated?: boolean;
}

/** Both ends of a link. */
export interface LinkInfo {
  readonly route: Route;
  /** As those of the route. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** On a carrier with TLS. */
  readonly tls?: TlsInfo;
  /** Of the protocol qwh. */
  readonly handshake?: HandshakeInfo;
}

/** A client's request to open a WebSocket, as far as policy needs it. It keeps no socket alive. */
export interface UpgradeRequest {
  /** The request target as sent: path and query. */
  readonly target: string;
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[];
  /** One header, its name in lower case, as `headersOf` has it: the others need not be taken apart. */
  header(name: string): string | undefined;
  /** Subprotocols that the client offers, best first. */
  readonly subprotocols: readonly string[];
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/**
 * An opening handshake that waits for a verdict: exactly one of the two methods is called, once, now or
 * later. When the client is gone or the handshake's time is over, both do nothing.
 */
export interface Upgrade {
  readonly request: UpgradeRequest;
  /**
   * Called once, from the event loop or from inside of the listener's `close`, if the client leaves or the time
   * is over before the verdict. A client that has ended its side has left.
   */
  onGone: (() => void) | undefined;
  /** Answers 101; `onLink` gets the link in the same turn of the loop in which it opens, or never. */
  accept(subprotocol: string, onLink: (link: Link) => void): void;
  /** Answers `status` with a short body, and closes. */
  refuse(status: number, body: string): void;
}

/**
 * What a link tells its owner, always from the event loop, never from inside a call on that link.
 * The order is: messages, at most one `onEnd`, exactly one `onClose`, then nothing.
 */
export interface LinkHandler {
  /** Whether anybody wants messages, now or after a pause. */
  readonly isHeard: boolean;
  /** What it counts, for links with `coalescing`. */
  readonly traffic?: { readonly messagesIn: number };
  /**
   * One message. The view may share a larger slab of memory and keeps it alive. `isText`: a WebSocket text
   * message, whose payload is valid UTF-8.
   */
  onMessage(payload: Buffer, isText: boolean): void;
  /** After a `backpressure`: `bufferedAmount` fell to the low watermark or below. */
  onDrain(): void;
  /** After `notifyEmpty()`: everything accepted was taken by the kernel. */
  onEmpty(): void;
  /** The peer will send no more, and stopped between two messages. */
  onEnd(): void;
  /** The end of the link. What was queued and not written is gone. */
  onClose(close: LinkClose): void;
}

/** Bounds and byte counts of the outbound half, equal on both drivers. */
export interface LinkLimits {
  /** Largest payload of one message, bytes, both directions. */
  readonly maxMessage: number;
  /** `send` answers `backpressure` from here on, bytes. */
  readonly highWaterMark: number;
  /** `onDrain` fires at or below, bytes. */
  readonly lowWaterMark: number;
  /** Nothing is accepted that would take the queue above, bytes; an empty queue takes one message. */
  readonly maxQueued: number;
  /** How long a graceful close waits for the peer, ms. */
  readonly closeTimeoutMs: number;
  /** How long small messages may wait to go out together, ms: 0, or none given, is to the end of the tick. */
  readonly flushIntervalMs?: number;
  /** Set: small messages wait for one another where they flow in a stream. */
  readonly coalescing?: CoalescingValues;
  /** Bytes this environment may hold for all its links, in and out: beyond, nothing is read or accepted. */
  readonly memoryBudget: number;
  /** How the peer is watched, where the carrier or the protocol has signs of life. */
  readonly heartbeat?: Heartbeat;
  /** Bounds of what is received. */
  readonly inbound?: RateLimits;
  /** Bounds of what is sent: what exceeds them waits in the queue. Never hard. */
  readonly outbound?: RateLimits;
}

/** Socket options in the driver's words: every field decided, `undefined` means the system's default. */
export interface SocketSettings {
  readonly noDelay: boolean;
  /** Idle time before the first TCP keepalive probe, ms; 0 is off. */
  readonly keepAliveMs: number;
  readonly receiveBufferSize?: number;
  readonly sendBufferSize?: number;
  /** TCP_NOTSENT_LOWAT, bytes. */
  readonly notSentLowAt?: number;
  /** TCP_USER_TIMEOUT, ms. */
  readonly userTimeoutMs?: number;
  /** Device to bind to (SO_BINDTODEVICE, IP_BOUND_IF). */
  readonly interfaceName?: string;
}

/** permessage-deflate (RFC 7692) in the words of its parameters. */
export interface DeflateSettings {
  /** Messages of fewer bytes are not compressed. */
  readonly threshold: number;
  /** zlib's level, 0 to 9. */
  readonly level: number;
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  /** 9 to 15. */
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

/** Bounds of WebSocket connections and of their opening handshake, both roles. */
export interface WebSocketSettings {
  readonly deflate: DeflateSettings | false;
  /** Time for the opening handshake, from the TCP connection on, the verdict included, ms. */
  readonly handshakeTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  /** Frames of one message, empty ones counted. */
  readonly maxFragments: number;
  /** Control frames that may come at once, and per second from then on. */
  readonly controlBurst: number;
  readonly controlPerSecond: number;
}

/** A listener whose connections begin with an opening handshake. */
export interface WebSocketListenSettings extends WebSocketSettings {
  /** Handshakes that may be under way at once; beyond, connections are reset. */
  readonly maxPendingHandshakes: number;
}

/** What a client asks for in its opening handshake. */
export interface WebSocketDialSettings extends WebSocketSettings {
  /** Path and query. */
  readonly target: string;
  /** Value of the header Host. */
  readonly authority: string;
  /** Names and values in turn, beyond the handshake's own. */
  readonly headers: readonly string[];
  readonly subprotocols: readonly string[];
  /** Makes the socket, for proxies; only drivers that support the option see it. */
  readonly agent?: Agent;
}

/** Where and how to listen. */
export interface ListenSpec {
  /** A path is that of a Unix socket or a pipe; there is no port then. */
  readonly host: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly backlog: number;
  readonly reusePort: boolean;
  readonly ipv6Only: boolean;
  readonly limits: LinkLimits;
  readonly socket: SocketSettings;
  /** Set: the carrier is WebSocket. */
  readonly ws?: WebSocketListenSettings;
  /** Set: TLS below it. */
  readonly tls?: TlsListenSettings;
  /** Set with protocol `qwh`, unless its peers are not wanted. */
  readonly qwh?: QwhListenSettings;
}

/** Whom and how to call. */
export interface DialSpec {
  /** As the user wrote it: for errors, for certificates, and for agents; or a path. */
  readonly host: string;
  /** The IP address to call. Default: `host`, which is one then. */
  readonly address?: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly connectTimeoutMs: number;
  readonly limits: LinkLimits;
  readonly socket: SocketSettings;
  /** Set: the carrier is WebSocket. */
  readonly ws?: WebSocketDialSettings;
  /** Set: TLS below it. */
  readonly tls?: TlsDialSettings;
  /** Set with protocol `qwh`. */
  readonly qwh?: QwhSettings;
  /** Called once the other end has said who it is: all that is missing is its verdict, and ours. */
  readonly onAnswer?: () => void;
}

/** How to take over WebSockets from an HTTP server that others listen with. */
export interface AttachSpec {
  readonly limits: LinkLimits;
  readonly socket: SocketSettings;
  readonly ws: WebSocketListenSettings;
  /** Set with protocol `qwh`, unless its peers are not wanted. */
  readonly qwh?: QwhListenSettings;
  /** Whether a request is ours; those that are not are left to the server's other listeners. */
  concerns(target: string): boolean;
  /** Offers another driver a connection that was let in; without its link the connection stays here. */
  adopt(adoption: Adoption): Link | undefined;
}

/** A connection of `node:net` whose client was let in to a WebSocket, and not told yet. */
export interface Adoption {
  readonly socket: Socket;
  /** Received behind the request, all of it: nothing waits in the socket. */
  readonly head: Buffer;
  /** `Sec-WebSocket-Key`. */
  readonly key: string;
  /** `Sec-WebSocket-Extensions`, empty for none. */
  readonly extensions: string;
  /** The one that was chosen, empty for none. */
  readonly subprotocol: string;
  readonly limits: LinkLimits;
  readonly ws: WebSocketSettings;
}

/** One message for many links: encoded once, copied or shared by each driver as suits it. Its bytes never change. */
export interface SharedMessage {
  readonly payload: Uint8Array;
  /** Bytes. */
  readonly size: number;
  readonly isText: boolean;
}

/** One connection. It starts paused: nothing is read before the first `resume()`. */
export interface Link {
  /** The backend that it is on: a server may have links of both. */
  readonly mode: Mode;
  readonly info: LinkInfo;
  /** Set by the owner before the first `resume()`. */
  handler: LinkHandler;
  /** Payload bytes accepted and not yet taken by the kernel. */
  readonly bufferedAmount: number;
  /** Messages accepted and not yet wholly taken by the kernel. */
  readonly bufferedMessages: number;
  /** Largest message that both ends allow, bytes. */
  readonly maxSend: number;
  /** Why the last `send` was `dropped`. */
  readonly dropReason: DropReason;

  /**
   * Offers one message of `size` bytes, as UTF-8 if it is a string; bytes may be reused once this returns.
   * `isText` is for carriers that tell text from bytes; bytes that are sent as text must be valid UTF-8.
   * @throws QWormholeError `ERR_QW_TOO_BIG` above `maxMessage`.
   */
  send(payload: string | Uint8Array, cls: ClassIndex, size: number, isText: boolean): SendResult;
  /** As `send`, for one of many links that the same message goes to: they follow one another. */
  sendShared(message: SharedMessage, cls: ClassIndex): SendResult;
  /** Hands over now what would wait for the end of the tick. */
  flush(): void;
  /** Asks for one `onDrain` when the queue, which is above the low watermark, is next at it or below. */
  notifyDrain(): void;
  /** Asks for one `onEmpty` when `bufferedAmount` is next zero. */
  notifyEmpty(): void;
  /** Stops delivery at once, also within a batch; the socket is no longer read. */
  pause(): void;
  /** Delivers what waited, then reads on. */
  resume(): void;
  /**
   * Sends what is queued, ends our side, waits for the peer's end; `onClose` follows. `retryAfterMs`: when the peer
   * should come back, an integer; said where the protocol can. What still comes is void; with `takesRest` it is
   * delivered where the protocol has a last word of the peer's own, and then until that has come.
   */
  close(code: number, reason: string, retryAfterMs?: number, takesRest?: boolean): void;
  /** Drops what is queued and resets the connection; `onClose` follows. */
  terminate(code: number, reason: string): void;
  /**
   * Keying material of the TLS session (RFC 5705, RFC 8446 section 7.5), equal on both ends.
   * @throws QWormholeError `ERR_QW_CLOSED` when the session is gone.
   */
  exportKeyingMaterial?(label: string, length: number, context?: Uint8Array): Buffer;
  ref(): void;
  unref(): void;
}

/** What a listening socket tells its server. */
export interface ListenerHandler {
  onLink(link: Link): void;
  /** A WebSocket client asks to come in; its link is the verdict's. */
  onUpgrade(upgrade: Upgrade): void;
  /** A TLS handshake failed or was refused: nothing of the connection is seen but this. */
  onTlsError?(error: QWormholeError, remoteAddress: string, remotePort: number): void;
  /** A handshake of QWH/1 failed or was refused: nothing of the connection is seen but this. */
  onHandshakeError?(error: QWormholeError, remoteAddress: string, remotePort: number): void;
  /** A fault that did not end the listener (descriptors exhausted, say). */
  onError(error: QWormholeError): void;
}

/** A bound socket. */
export interface LinkListener {
  readonly host: string;
  readonly port: number;
  /** Replaces what new handshakes begin with; those that are under way and open links go on as they are. */
  updateTls?(settings: TlsListenSettings): void;
  /** Accepts no more; its links live on. Resolves when the port is free. */
  close(): Promise<void>;
  ref(): void;
  unref(): void;
}

/** Maker of links: one backend. */
/** Something that a backend tells of itself. */
export interface BackendRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Where in it. */
  readonly target: string;
  readonly message: string;
  /** So many before it got lost, because nobody took them. */
  readonly missed: number;
  readonly [field: string]: unknown;
}

export type LogListener = (record: BackendRecord) => void;

export interface LinkDriver {
  readonly mode: Mode;
  readonly backend: Backend;
  /** Rejects with a `QWormholeError`. */
  listen(spec: ListenSpec, handler: ListenerHandler): Promise<LinkListener>;
  /** Rejects with a `QWormholeError`; an abort frees the socket and rejects with `ERR_QW_ABORTED`. */
  connect(spec: DialSpec, signal?: AbortSignal): Promise<Link>;
  /**
   * Takes over the connections of an existing HTTP server that ask to become WebSockets. The server's port
   * stays its own.
   */
  attach?(server: HttpServer, spec: AttachSpec, handler: ListenerHandler): LinkListener;
  /**
   * Takes over a connection, whose client it answers, and destroys its socket without ending the connection.
   * Without a link nothing has happened: this driver, this platform or this socket does not allow it.
   */
  adopt?(adoption: Adoption): Link | undefined;
  /**
   * Called once if the backend itself breaks (never for a fault of one link). By then every link of
   * the driver got its `onClose` and every port is free.
   */
  onFailure: ((error: QWormholeError) => void) | undefined;
  /**
   * Hears what the backend's code tells of itself, from `level` on and for the whole process; gives how to stop. What
   * happens to links comes by other ways.
   */
  watchLog?(level: BackendRecord['level'], listener: LogListener): () => void;
  /** Gives back this owner's share of the backend. Its links and listeners must be closed before. */
  release(): void;
}
