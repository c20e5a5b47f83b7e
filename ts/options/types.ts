// Generated from options.json by scripts/generate.mjs: edit that file instead.

import type { Agent } from 'node:http';
import type { CodecOption } from '../codec/codec.js';
import type { EndpointInput } from '../endpoint.js';
import type { Protocol } from '../link/link.js';
import type { Batching } from '../policy/batching.js';
import type { Overflow } from '../policy/overflow.js';
import type { HandshakeMeta, VerifyHandshake } from '../policy/handshake.js';
import type { Authorize } from '../policy/upgrade-authorize.js';
import type { SubprotocolChoice } from '../policy/upgrade-subprotocol.js';
import type { TlsVersion } from '../link/tls.js';
import type { LogLevel, LogRecord } from '../telemetry/journal.js';
import type { ClientTelemetry, ServerTelemetry } from '../telemetry/snapshot.js';
import type { EndpointSource, HeadersInput, PerAttempt } from './sources.js';
import type { HandshakeExtension } from './qwh.js';
import type { SniCallback, TlsIdentityOptions, TlsMaterial, VerifyPeer } from '../tls/types.js';

/** Options of servers and clients alike. `C` is the codec, which says what messages are. */
export interface SharedOptions<C extends CodecOption = CodecOption> {
  /**
   * How messages lie on the wire; an endpoint in the object form can have its own. qwh is for endpoints of
   * QWormhole, with a handshake; a client of it never falls back, and a server of it takes others too, as
   * handshake says. WebSocket has messages of its own: there all but qwh are the same. Default: qwh.
   */
  readonly protocol?: Protocol;
  /**
   * With protocol qwh: decides about a peer that has said who it is, at once or as a promise. Nothing or true
   * accepts; false, a code with a reason, or an exception refuses. Default: everybody is welcome.
   */
  readonly verifyHandshake?: VerifyHandshake;
  /** With protocol qwh: capabilities of the application that this end has. Default: 0n. */
  readonly offeredCaps?: bigint;
  /** With protocol qwh: those of them without which it does not want a connection. Default: 0n. */
  readonly requiredCaps?: bigint;
  /**
   * With protocol qwh: named parts of the handshake that the application gives a meaning to. One that is
   * required must be there at both ends, or there is no connection. Default: none.
   */
  readonly extensions?: readonly HandshakeExtension[];
  /** What messages are in JavaScript. Protocol raw on TCP takes buffer and text only. Default: buffer. */
  readonly codec?: C;
  /**
   * Use the native backend where it loads; false uses the TypeScript backend without looking for another.
   * Default: true.
   */
  readonly preferNative?: boolean;
  /**
   * Use the TypeScript backend and never touch the native loader; stronger than QWORMHOLE_NATIVE=force.
   * Default: false.
   */
  readonly forceTs?: boolean;
  /**
   * What happens when the native backend breaks at run time: go on with the TypeScript backend, or end with
   * an error. Default: migrate, or error where native is forced.
   */
  readonly onNativeFailure?: 'migrate' | 'error';
  /**
   * Where the native backend serves sockets: inline is on the JavaScript thread, as node:net does, threads is
   * on ioThreads of its own; auto takes the one that is better on this machine. Default: auto, or what
   * QWORMHOLE_IO says.
   */
  readonly io?: 'auto' | 'inline' | 'threads';
  /**
   * Threads of the native backend that serve sockets. Takes an integer from 1 to 64 (threads). Default: 1.
   */
  readonly ioThreads?: number;
  /**
   * Largest payload of one message, in both directions; with protocol raw, of one send. Takes an integer from
   * 1 to 1 GiB (bytes). Default: 4 MiB.
   */
  readonly maxMessage?: number;
  /**
   * With this much queued on a connection, send answers backpressure. At most maxQueued. Takes an integer
   * from 1 to 1 GiB (bytes). Default: 1 MiB, or a quarter of maxQueued where that is less.
   */
  readonly highWaterMark?: number;
  /**
   * After backpressure, drain fires when the queue fell to this. At most highWaterMark. Takes an integer from
   * 0 to 1 GiB (bytes). Default: 256 KiB, or a quarter of highWaterMark where that is less.
   */
  readonly lowWaterMark?: number;
  /**
   * Hard cap of what is queued on a connection: a message that would exceed it is dropped. An empty queue
   * takes one message of any legal size. Takes an integer from 1 to 1 GiB (bytes). Default: 4 MiB.
   */
  readonly maxQueued?: number;
  /**
   * What happens when a peer takes less than is sent to it: drop-newest drops what maxQueued has no room for;
   * drop-oldest, above the high watermark, the oldest that waits; conflate replaces the message with the same
   * key that waits there; block is drop-newest with room for everybody who waits for drained(); close closes
   * the connection with code 4, on WebSocket 1008. Default: drop-newest.
   */
  readonly overflow?: Overflow;
  /**
   * How long small messages may wait so that they go out together; flush() and 16 KiB of them send them at
   * once, and on the native backend whatever else goes to the same I/O thread. 0: until the end of the tick.
   * Takes an integer from 0 to 1000 (ms). Default: 0.
   */
  readonly flushIntervalMs?: number;
  /**
   * How much goes at once. off: up to 4096 messages are delivered in one turn of the event loop, however long
   * that takes. guarded: a turn is over after 2 ms, then timers and others have theirs. aggressive: small
   * messages to who sends nothing back also wait for one another, up to 1 ms, while many flow. An object
   * forces bounds, for measurements. The loop is shared: of several servers and clients the strictest bounds
   * of a turn hold. Default: guarded.
   */
  readonly batching?: Batching;
  /**
   * Handlers of a connection's messages that may be at work at once, where they return promises: beyond it is
   * not read. Takes an integer from 1 to 1048576 (handlers) or Infinity. Default: Infinity.
   */
  readonly concurrency?: number;
  /**
   * How fast a connection may be sent to: beyond, it is read no faster, and with hard it is closed. Default:
   * not bounded.
   */
  readonly inboundRate?: InboundRateOptions;
  /**
   * How fast a connection sends: beyond, messages wait in its queue, and with hard they are dropped. Default:
   * not bounded.
   */
  readonly outboundRate?: OutboundRateOptions;
  /**
   * What all connections of one thread may hold in memory, in and out together: beyond it sockets are not
   * read and sends are dropped. Takes an integer from 64 KiB to 2 GiB (bytes). Default: 512 MiB.
   */
  readonly memoryBudget?: number;
  /**
   * How long a closing connection waits for its peer before it is cut. Takes an integer from 0 to 2147483647
   * (ms). Default: 5000.
   */
  readonly closeTimeoutMs?: number;
  /**
   * How peers are watched that say nothing: with qwh and on WebSocket. false watches nobody, and still
   * answers those who ask. Default: an object with the defaults below.
   */
  readonly heartbeat?: false | HeartbeatOptions;
  /**
   * Close a connection, with code 9, on which no message was sent or received for this time, or up to a
   * quarter longer. Takes an integer from 100 to 2147483647 (ms). Default: none.
   */
  readonly idleTimeoutMs?: number;
  /** Send small segments at once (TCP_NODELAY). Default: true. */
  readonly noDelay?: boolean;
  /**
   * Idle time before the first TCP keepalive probe, in whole seconds; false turns probes off. Takes false or
   * an integer from 1000 to 32767000 (ms). Default: 60000.
   */
  readonly keepAlive?: number | false;
  /**
   * Size of the kernel's receive buffer (SO_RCVBUF). Takes an integer from 1 to 1073741823 (bytes). Default:
   * the system's.
   */
  readonly receiveBufferSize?: number;
  /**
   * Size of the kernel's send buffer (SO_SNDBUF). Takes an integer from 1 to 1073741823 (bytes). Default: the
   * system's.
   */
  readonly sendBufferSize?: number;
  /**
   * How much may wait unsent in the kernel (TCP_NOTSENT_LOWAT): small values let urgent messages overtake.
   * Takes an integer from 1 to 2147483647 (bytes). Default: 32 KiB on the native backend on Linux, else the
   * system's.
   */
  readonly notSentLowAt?: number;
  /**
   * How long sent data may stay unacknowledged before the connection counts as lost (TCP_USER_TIMEOUT). Takes
   * an integer from 1 to 2147483647 (ms). Default: the system's.
   */
  readonly userTimeoutMs?: number;
  /**
   * Network interface to bind to, such as eth0 or wg0. How is said by interfaceBinding; the support is that
   * of binding to the device. Default: any interface.
   */
  readonly interfaceName?: string;
  /**
   * Bind to the interface itself (SO_BINDTODEVICE, IP_BOUND_IF), or only to its address, which is weaker:
   * routing may still choose another interface. Default: device.
   */
  readonly interfaceBinding?: 'device' | 'address';
  /**
   * Give each received message memory of its own. Without it messages share larger blocks, and one that is
   * kept keeps its block. Default: false.
   */
  readonly copy?: boolean;
  /**
   * Gets a record of everything that happens and is not a message: connections, losses, attempts, drops,
   * errors (docs/telemetry.md). Default: none.
   */
  readonly logger?: (record: LogRecord) => unknown;
  /** The least level of the records that the logger gets. Default: info. */
  readonly logLevel?: LogLevel;
  /** How often onTelemetry is called. Takes an integer from 10 to 2147483647 (ms). Default: 10000. */
  readonly telemetryIntervalMs?: number;
  /**
   * Measure latencies, from send to the kernel and from arrival to the listener, and sample the payload for
   * what nv of the next handshake tells. Costs time for each message; without it they cost nothing. Default:
   * false.
   */
  readonly profiling?: boolean;
  /**
   * Compress WebSocket messages where the peer can (permessage-deflate). Costs time and memory for each
   * connection. Default: false.
   */
  readonly deflate?: boolean | DeflateOptions;
  /**
   * Largest head of a WebSocket opening handshake, request or response. Takes an integer from 1 KiB to 1 MiB
   * (bytes). Default: 16 KiB.
   */
  readonly maxHeaderBytes?: number;
  /**
   * Most headers of a WebSocket opening handshake, request or response. Takes an integer from 8 to 10000
   * (headers). Default: 100.
   */
  readonly maxHeaders?: number;
  /**
   * Most frames of one WebSocket message, empty ones counted; fragments of a message of qwh that needs fewer.
   * Takes an integer from 1 to 1048576 (frames). Default: 16384.
   */
  readonly maxFragments?: number;
  /**
   * Control frames (ping, pong) of WebSocket and of qwh that a peer may send at once. Takes an integer from 1
   * to 1048576 (frames). Default: 64.
   */
  readonly controlBurst?: number;
  /**
   * Control frames that a peer may send each second from then on. Takes an integer from 1 to 1048576
   * (frames). Default: 32.
   */
  readonly controlPerSecond?: number;
}

/** Options of a server. */
export interface ServerOptions<C extends CodecOption = CodecOption> extends SharedOptions<C> {
  /** Where to listen: URLs such as tcp://127.0.0.1:9000 or unix:///run/chat.sock, or objects. */
  readonly endpoints: EndpointInput | readonly EndpointInput[];
  /**
   * With protocol qwh: what this end says of itself, put together when it listens. Peers see it as a claim.
   * Default: none.
   */
  readonly meta?: HandshakeMeta;
  /**
   * With protocol qwh: the trace that this server's listening is part of, for its peers to see. Default:
   * none.
   */
  readonly trace?: string;
  /** Its abort closes the server and rejects what waits. Default: none. */
  readonly signal?: AbortSignal;
  /**
   * Gets what telemetry() gives, at an interval while the server listens, and once at its end. Default: none.
   */
  readonly onTelemetry?: (telemetry: ServerTelemetry) => unknown;
  /**
   * WebSocket subprotocols that are spoken here, best first, or a function that chooses among those that the
   * client offers. Default: none.
   */
  readonly subprotocols?: readonly string[] | SubprotocolChoice;
  /**
   * TLS of the endpoints tls:// and wss://: certificate, key, and whom to trust. Default: what the
   * environment says (docs/tls.md).
   */
  readonly tls?: ServerTlsOptions;
  /**
   * Connections held at a time: those beyond are refused. Takes an integer from 1 to 1048576 (connections).
   * Default: 10000.
   */
  readonly maxConnections?: number;
  /**
   * Connections from one IPv4 address, or from one IPv6 network of 64 bits; those beyond are refused as by
   * maxConnections. As many handshakes of qwh from there may be under way. Takes an integer from 1 to 1048576
   * (connections) or Infinity. Default: Infinity.
   */
  readonly maxConnectionsPerAddress?: number;
  /**
   * Limits for those who may call: internet bounds maxConnectionsPerAddress to 64, maxPendingHandshakes to
   * 256 and handshakeTimeoutMs to 5000. What is set itself counts instead. Default: lan.
   */
  readonly preset?: 'lan' | 'internet';
  /**
   * Connections that the kernel may hold until they are accepted; the system may have a lower limit. Takes an
   * integer from 1 to 65535 (connections). Default: 511.
   */
  readonly backlog?: number;
  /**
   * Let several processes or threads listen on one port and share its connections (SO_REUSEPORT). Default:
   * false.
   */
  readonly reusePort?: boolean;
  /**
   * Of unix endpoints: the permissions of the socket's file, as chmod takes them; whoever may write it may
   * connect. 0o660 lets its owner and group in. Takes an integer from 0 to 511 (bits). Default: as the
   * process's umask has it.
   */
  readonly socketMode?: number;
  /**
   * Of unix endpoints: remove the file of a socket on which nobody listens any more, and take its place.
   * Without it that is ERR_QW_SOCKET_STALE. Default: false.
   */
  readonly replaceStaleSocket?: boolean;
  /** Let a listener on :: take IPv6 connections only (IPV6_V6ONLY). Default: false. */
  readonly ipv6Only?: boolean;
  /**
   * Origins whose pages may open a WebSocket, exactly as browsers send them; '*' lets all in. By default a
   * page may talk to the host it came from; on a listener bound to loopback that must be an IP address or
   * localhost, against DNS rebinding. Default: the host of the request.
   */
  readonly origins?: '*' | readonly string[];
  /**
   * Refuse WebSocket clients that send no Origin. Browsers always send one, other programs seldom do.
   * Default: false.
   */
  readonly requireOrigin?: boolean;
  /**
   * Decides who may open a WebSocket: called with the request, at once or as a promise gives a user, or a
   * status or close code that refuses. Default: everybody may.
   */
  readonly authorize?: Authorize;
  /**
   * Who may connect to an endpoint of protocol qwh: its own peers only, those of length-prefixed (on
   * WebSocket: raw) as well, told by what they send first, or these only. A length-prefixed peer that never
   * sends first needs off. Default: optional, or required with verifyHandshake, requiredCaps or extensions
   * that are required.
   */
  readonly handshake?: 'required' | 'optional' | 'off';
  /**
   * Time for a WebSocket opening handshake from the TCP connection on, authorize included, and for a
   * handshake of qwh, verifyHandshake included. Takes an integer from 1 to 2147483647 (ms). Default: 10000.
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * WebSocket opening handshakes, and handshakes of qwh, under way at a time. Beyond, the connection that has
   * said nothing for the longest is reset, or the new one where all wait for authorize or verifyHandshake.
   * Takes an integer from 1 to 1048576 (connections). Default: 1024.
   */
  readonly maxPendingHandshakes?: number;
  /**
   * Topics that one connection may be subscribed to. Takes an integer from 0 to 1048576 (topics). Default:
   * 1000.
   */
  readonly maxTopics?: number;
}

/** Options of a client. */
export interface ClientOptions<C extends CodecOption = CodecOption> extends SharedOptions<C> {
  /**
   * Whom to call: URLs such as tcp://127.0.0.1:9000 or unix:///run/chat.sock, or objects. With several, an
   * attempt calls one after the other, half a second apart, and the first to answer wins. A function is asked
   * before each attempt.
   */
  readonly endpoints: EndpointInput | readonly EndpointInput[] | EndpointSource;
  /**
   * With protocol qwh: what this end says of itself. Peers see it as a claim. A function is asked before each
   * attempt: for tokens that expire. Default: none.
   */
  readonly meta?: HandshakeMeta | PerAttempt<HandshakeMeta>;
  /**
   * With protocol qwh: the trace that connecting is part of, for the peer to see. A function is asked before
   * each attempt. Default: none.
   */
  readonly trace?: string | PerAttempt<string | undefined>;
  /** Its abort ends the client and rejects what waits. Default: none. */
  readonly signal?: AbortSignal;
  /** Gets what telemetry() gives, at an interval from connect() on, and once at the end. Default: none. */
  readonly onTelemetry?: (telemetry: ClientTelemetry) => unknown;
  /** WebSocket subprotocols to offer, best first. Default: none. */
  readonly subprotocols?: readonly string[];
  /**
   * TLS of the endpoints tls:// and wss://: whom to trust, and a certificate where the server wants one. A
   * function is asked before each attempt. Default: what the environment says (docs/tls.md).
   */
  readonly tls?: ClientTlsOptions | PerAttempt<ClientTlsOptions>;
  /** Address that connections come from. Default: the system's choice. */
  readonly localAddress?: string;
  /**
   * Port that connections come from; 0 leaves it to the system. Takes an integer from 0 to 65535. Default: 0.
   */
  readonly localPort?: number;
  /**
   * How long one attempt to connect may take: functions that are asked, names, and all endpoints and
   * addresses together. Takes an integer from 1 to 2147483647 (ms). Default: 10000.
   */
  readonly connectTimeoutMs?: number;
  /**
   * Further headers of a WebSocket opening handshake, such as Authorization or Origin; not Host and what the
   * handshake sets itself. A function is asked before each attempt: for tokens that expire. Default: none.
   */
  readonly headers?: HeadersInput | PerAttempt<HeadersInput>;
  /**
   * Redirects of a WebSocket opening handshake that are followed. Of the headers only User-Agent and
   * Accept-Language go to another origin, and with subprotocols no redirect to one is followed. Takes an
   * integer from 0 to 20 (redirects). Default: 0.
   */
  readonly maxRedirects?: number;
  /** Makes the socket of a WebSocket connection: for proxies. Default: none. */
  readonly agent?: Agent;
  /** Connect again after a loss, with exponential backoff and full jitter. Default: true. */
  readonly reconnect?: boolean | ReconnectOptions;
  /**
   * What send does while there is no connection: queue up to a bound, beyond which overflow says what is
   * dropped, or with false drop at once. Default: an object with the defaults below.
   */
  readonly offlineQueue?: false | OfflineQueueOptions;
}

/** How fast a connection may be sent to. */
export interface InboundRateOptions {
  /**
   * Payload bytes received a second. Takes an integer from 1000 to 4294967295 (bytes). Default: not bounded.
   */
  readonly bytesPerSecond?: number;
  /**
   * Payload bytes that may come at once after a rest. A larger message is let through, and paid back by a
   * longer wait. Takes an integer from 1 to 1 GiB (bytes). Default: bytesPerSecond, at most 1 GiB.
   */
  readonly burstBytes?: number;
  /** Messages received a second. Takes an integer from 1 to 1000000000 (messages). Default: not bounded. */
  readonly messagesPerSecond?: number;
  /**
   * Messages that may come at once after a rest. Takes an integer from 1 to 1000000 (messages). Default:
   * messagesPerSecond, at most 1000000.
   */
  readonly burstMessages?: number;
  /**
   * Close the connection of a peer that exceeds it with ERR_QW_RATE_LIMITED, code 12, on WebSocket 1008,
   * instead of reading it no faster. Default: false.
   */
  readonly hard?: boolean;
}

/** How fast a connection sends. */
export interface OutboundRateOptions {
  /** Payload bytes sent a second. Takes an integer from 1000 to 4294967295 (bytes). Default: not bounded. */
  readonly bytesPerSecond?: number;
  /**
   * Payload bytes that may go at once after a rest. A larger message is let through, and paid back by a
   * longer wait. Takes an integer from 1 to 1 GiB (bytes). Default: bytesPerSecond, at most 1 GiB.
   */
  readonly burstBytes?: number;
  /** Messages sent a second. Takes an integer from 1 to 1000000000 (messages). Default: not bounded. */
  readonly messagesPerSecond?: number;
  /**
   * Messages that may go at once after a rest. Takes an integer from 1 to 1000000 (messages). Default:
   * messagesPerSecond, at most 1000000.
   */
  readonly burstMessages?: number;
  /**
   * Drop what exceeds it, reason rate-limited, instead of letting it wait. What waited for a connection is
   * not counted. Default: false.
   */
  readonly hard?: boolean;
}

/** How peers are watched that say nothing. */
export interface HeartbeatOptions {
  /**
   * A peer is asked for a sign of life after this time without a byte of it; while we do not read, it gets
   * one of ours so often. Given a timeoutMs below 40000, its half by default. Takes an integer from 100 to
   * 2147483647 (ms). Default: 20000.
   */
  readonly intervalMs?: number;
  /**
   * A peer is held to be dead after this time without a byte of it while we read; more than intervalMs. Given
   * an intervalMs above 15000, three times as much by default. Takes an integer from 200 to 2147483647 (ms).
   * Default: 45000.
   */
  readonly timeoutMs?: number;
}

/** How a client connects again. */
export interface ReconnectOptions {
  /** Try again also when the very first attempt fails, instead of rejecting connect(). Default: false. */
  readonly initial?: boolean;
  /**
   * Upper bound of the first pause; each attempt doubles it. Takes an integer from 1 to 2147483647 (ms).
   * Default: 300.
   */
  readonly baseMs?: number;
  /**
   * Upper bound of every pause. At least baseMs. Takes an integer from 1 to 2147483647 (ms). Default: 10000,
   * or baseMs where that is more.
   */
  readonly capMs?: number;
  /**
   * Attempts in a row before the client gives up; a success starts the count anew. Takes an integer from 1 to
   * 2147483647 (attempts) or Infinity. Default: Infinity.
   */
  readonly maxAttempts?: number;
}

/** What a client keeps while there is no connection. */
export interface OfflineQueueOptions {
  /**
   * Hard cap of what is queued while there is no connection. Takes an integer from 1 to 1 GiB (bytes).
   * Default: 1 MiB.
   */
  readonly maxBytes?: number;
  /** Messages that waited longer are dropped. Takes an integer from 1 to 2147483647 (ms). Default: 30000. */
  readonly maxAgeMs?: number;
}

/** How WebSocket messages are compressed. */
export interface DeflateOptions {
  /** Shorter messages go uncompressed. Takes an integer from 0 to 1 GiB (bytes). Default: 1 KiB. */
  readonly threshold?: number;
  /**
   * Effort of compression: 1 is fast, 9 is small, 0 does not compress. Takes an integer from 0 to 9. Default:
   * 6.
   */
  readonly level?: number;
  /** The server begins anew with every message: less memory, less compression. Default: false. */
  readonly serverNoContextTakeover?: boolean;
  /** The same for the client. Default: false. */
  readonly clientNoContextTakeover?: boolean;
  /**
   * How far back the server's compression looks, as a power of two: each bit less halves the memory. Takes an
   * integer from 9 to 15. Default: 15.
   */
  readonly serverMaxWindowBits?: number;
  /** The same for the client. Takes an integer from 9 to 15. Default: 15. */
  readonly clientMaxWindowBits?: number;
}

/** TLS of servers and clients alike. */
export interface TlsOptions {
  /** Our certificate, followed by the intermediate ones, in PEM or DER. Servers need one. Default: none. */
  readonly cert?: TlsMaterial;
  /** The file that has it, instead of cert. Default: none. */
  readonly certPath?: string;
  /** The private key of our certificate, in PEM or DER (PKCS 8, PKCS 1, SEC 1). Default: none. */
  readonly key?: string | Uint8Array;
  /** The file that has it, instead of key. Default: none. */
  readonly keyPath?: string;
  /** Of an encrypted key. It is decrypted once. Default: none. */
  readonly passphrase?: string;
  /**
   * Authorities that peers' certificates must lead to, instead of the system's. Default: the system's roots.
   */
  readonly ca?: TlsMaterial;
  /** The file that has them, instead of ca. Default: none. */
  readonly caPath?: string;
  /**
   * End the handshake with a peer whose certificate does not verify. With pins and false the pin alone
   * decides. Default: true.
   */
  readonly rejectUnauthorized?: boolean;
  /** The lowest version that is spoken. Default: TLSv1.2. */
  readonly minVersion?: TlsVersion;
  /** The highest version that is spoken. Default: TLSv1.3. */
  readonly maxVersion?: TlsVersion;
  /**
   * Application protocols, best first (ALPN). Two ends that have lists and no name in common do not connect.
   * Default: none.
   */
  readonly alpn?: readonly string[];
  /**
   * Fingerprints of which the peer's certificate must have one: SHA-256 of its public key or of all of it.
   * Default: none.
   */
  readonly pins?: readonly string[];
  /**
   * Fingerprints of which no certificate that the peer sends may have one, nor an authority in ca. Default:
   * none.
   */
  readonly revoked?: readonly string[];
  /**
   * Decides about a peer after the handshake, at once or as a promise: true admits it, anything else refuses
   * it. Default: none.
   */
  readonly verify?: VerifyPeer;
  /** Key exchange with X25519MLKEM768: never, where both ends have it, or nothing else. Default: prefer. */
  readonly postQuantum?: 'off' | 'prefer' | 'require';
  /**
   * Let sessions be resumed with tickets, which spares the second handshake its certificates. Default: true.
   */
  readonly sessionResumption?: boolean;
  /**
   * Time for a TLS handshake, callbacks included. A client has no more than connectTimeoutMs for everything.
   * Takes an integer from 1 to 2147483647 (ms). Default: 10000.
   */
  readonly handshakeTimeoutMs?: number;
}

/** TLS of a server. */
export interface ServerTlsOptions extends TlsOptions {
  /**
   * Ask clients for a certificate by an authority in ca; with rejectUnauthorized those without one are
   * refused. Default: false.
   */
  readonly requestCert?: boolean;
  /**
   * TLS handshakes under way at a time; a newcomer gets the place of the one that has been silent the
   * longest, or is reset. Takes an integer from 1 to 1048576 (connections). Default: 1024.
   */
  readonly maxPendingHandshakes?: number;
  /**
   * Further certificates, each for the names it is valid for or for names of its own: chosen by the name that
   * a client asks for (SNI). Default: none.
   */
  readonly identities?: readonly TlsIdentityOptions[];
  /**
   * Asked for a certificate, at once or as a promise, where no certificate is for the name that a client asks
   * for; not for clients that ask for none. Default: none.
   */
  readonly sniCallback?: SniCallback;
  /**
   * Watch the files of certPath, keyPath and caPath, and use what is new in them for new connections.
   * Default: false.
   */
  readonly watch?: boolean;
}

/** TLS of a client. */
export interface ClientTlsOptions extends TlsOptions {
  /**
   * The name to ask for (SNI) and to find in the server's certificate. Empty asks for none and checks the
   * host that is called. Default: the host that is called.
   */
  readonly servername?: string;
}
