/** What a server is to its users, whatever its backend. */
import type { Server as HttpServer } from 'node:http';
import type { CodecInput, CodecMessage, CodecOption, MessageTypes } from './codec/codec.js';
import type { QWormholeError } from './errors/error.js';
import type { Backend, Mode } from './link/link.js';
import type { ServerTlsUpdate } from './tls/types.js';
import type { Io } from './policy/io.js';
import type { DropRun } from './policy/drop-log.js';
import type { Overflow } from './policy/overflow.js';
import type { WaitOptions } from './policy/waits.js';
import type { MessageClass } from './sending.js';
import type { ServerConnection } from './server-connection.js';
import type { ServerStats } from './stats.js';
import type { Labels } from './telemetry/labels.js';
import type { ServerTelemetry } from './telemetry/snapshot.js';

/** Events of a server. What concerns one connection names it last. */
export interface ServerEvents<C extends MessageTypes = CodecOption> {
  /** All endpoints are bound; again after a move to another backend. */
  listening: [addresses: readonly string[]];
  /** Somebody has connected. */
  connection: [connection: ServerConnection<C>];
  /** A message on any connection. */
  message: [message: CodecMessage<C>, connection: ServerConnection<C>];
  /** A connection answers `backpressure`, and will until `drain`. */
  backpressure: [bufferedAmount: number, connection: ServerConnection<C>];
  drain: [connection: ServerConnection<C>];
  /** A connection did not accept messages: one event per run of them. */
  dropped: [run: DropRun, connection: ServerConnection<C>];
  /** A connection has ended. */
  clientClosed: [connection: ServerConnection<C>, code: number, reason: string, clean: boolean];
  /**
   * A TLS handshake failed or was refused. Those with the same code come at most once a second; `suppressed` is
   * how many were not told of since the last one. All are counted in `stats().tls`.
   */
  tlsClientError: [error: QWormholeError, remoteAddress: string, remotePort: number, suppressed: number];
  /**
   * A handshake of protocol qwh failed or was refused. Those with the same close code come at most once a second;
   * `suppressed` is how many were not told of since the last one.
   */
  handshakeError: [error: QWormholeError, remoteAddress: string, remotePort: number, suppressed: number];
  /** The server has begun to close: it takes no more connections. */
  draining: [];
  /** The end, once: no endpoint is bound and no connection is left. */
  close: [];
  /** A fault of the server, or of a connection that has no listener for it. */
  error: [error: QWormholeError, connection?: ServerConnection<C>];
  /** A listener threw or rejected. Without a listener for this the error is rethrown as Node does. */
  handlerError: [error: unknown, connection?: ServerConnection<C>];
}

/** How a server closes. */
export interface ServerCloseOptions extends WaitOptions {
  /**
   * How long connections may take to send what is queued and to end in order, ms; those left are reset.
   * With less than a quarter of a second they have that. Default: 0.
   */
  readonly gracefulMs?: number;
  /**
   * Time over which clients come back, ms, so that they do not all come at once. Clients of qwh are closed at once and
   * told, each for itself, when to come; the others are closed one after the other over this time. Default: 0.
   */
  readonly spreadMs?: number;
}

/** How a message goes to many. */
export interface BroadcastOptions<C extends MessageTypes = CodecOption> {
  /** Those left out: connections or their ids. */
  readonly except?: ServerConnection<C> | string | Iterable<ServerConnection<C> | string>;
  /** As of `send`. Default: `normal`. */
  readonly class?: MessageClass;
  /** As of `send`: text or binary on WebSocket. */
  readonly text?: boolean;
  /** As of `send`. */
  readonly key?: string;
  /** What happens where it finds no room: a topic's own policy. Default: that of each connection. */
  readonly overflow?: Overflow;
}

/** A server's hold on an HTTP server that others listen with. */
export interface Attachment {
  /** Takes no more WebSockets from there; its connections live on. The HTTP server goes on. */
  detach(): void;
}

/** Which WebSockets of an HTTP server are taken. */
export interface AttachOptions {
  /** Requests for other paths are left to others. Default: `/`. */
  readonly path?: string;
}

/** What became of a broadcast, in connections. */
export interface BroadcastResult {
  readonly accepted: number;
  readonly dropped: number;
}

export interface QWormholeServerLike<C extends MessageTypes = CodecOption>
  extends AsyncDisposable, Iterable<ServerConnection<C>> {
  /** Random, 128 bits, in hexadecimal: that of log records and diagnostics. */
  readonly id: string;
  /** The backend in use. */
  readonly mode: Mode;
  /** The name of that backend. */
  readonly backend: Backend;
  /** Where the native backend serves sockets; `undefined` on the TypeScript backend. */
  readonly io: Io | undefined;
  /** It takes connections: false before `listening` and from the start of `close`. */
  readonly ready: boolean;
  /** The endpoints as bound, ports resolved, in the order of the options; empty when none is bound. */
  readonly addresses: readonly string[];
  /** The open connections. */
  readonly connections: Iterable<ServerConnection<C>>;

  /** Binds all endpoints or none; the same promise when called again. Resolves with the addresses. */
  listen(options?: WaitOptions): Promise<readonly string[]>;
  /** Takes no more connections, ends those there are, and frees the ports. The same end for all callers. */
  close(options?: ServerCloseOptions): Promise<void>;
  /** `close({ gracefulMs })`. Default: 5000. */
  shutdown(gracefulMs?: number): Promise<void>;
  /** Sends a message to all open connections; it is encoded once. Throws as `send` does. */
  broadcast(message: CodecInput<C>, options?: BroadcastOptions<C>): BroadcastResult;
  /** Sends a message to all connections that are subscribed to a topic; it is encoded once. Throws as `send` does. */
  publish(topic: string, message: CodecInput<C>, options?: BroadcastOptions<C>): BroadcastResult;
  /** How many connections are subscribed to a topic. */
  getSubscriberCount(topic: string): number;
  /**
   * Takes WebSockets from an HTTP server, such as that of a web framework, besides what the server's own
   * endpoints bring. Plain TCP connections move to the server's own backend where the platform allows; the others,
   * TLS among them, are on the TypeScript one: `connection.mode` says which. Ends with `close`, which leaves the HTTP server alone.
   */
  attach(server: HttpServer, options?: AttachOptions): Attachment;
  /**
   * Replaces what is given of the option `tls`, such as certificate and key, for new connections; open ones go
   * on as they are.
   * @throws QWormholeError `ERR_QW_OPTION_…`, `ERR_QW_TLS_CONFIG`; then everything stays as it was.
   */
  updateTls(options: ServerTlsUpdate): void;
  getConnection(id: string): ServerConnection<C> | undefined;
  getConnectionCount(): number;
  stats(): ServerStats;
  /** A snapshot: `stats()`, and what it belongs to. */
  telemetry(): ServerTelemetry;
  /** The same for Prometheus, in its text format; `labels` go to every line. */
  metrics(labels?: Labels): string;
  /** Listening keeps the process alive: the default. */
  ref(): this;
  /** Listening does not keep the process alive; open connections still do. */
  unref(): this;
}
