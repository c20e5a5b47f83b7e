// Generated from options.json by scripts/generate.mjs: edit that file instead.

import type { CodecOption } from '../codec/codec.js';
import type { EndpointInput } from '../endpoint.js';
import type { Protocol } from '../link/link.js';

/** Options of servers and clients alike. `C` is the codec, which says what messages are. */
export interface SharedOptions<C extends CodecOption = CodecOption> {
  /**
   * How messages lie on the wire; an endpoint in the object form can have its own. Default: length-prefixed.
   */
  readonly protocol?: Protocol;
  /** What messages are in JavaScript. Protocol raw takes buffer and text only. Default: buffer. */
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
   * What all connections of one thread may hold in memory, in and out together: beyond it sockets are not
   * read and sends are dropped. Takes an integer from 64 KiB to 2 GiB (bytes). Default: 512 MiB.
   */
  readonly memoryBudget?: number;
  /**
   * How long a closing connection waits for its peer before it is cut. Takes an integer from 0 to 2147483647
   * (ms). Default: 5000.
   */
  readonly closeTimeoutMs?: number;
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
   * Takes an integer from 1 to 2147483647 (bytes). Default: the system's.
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
}

/** Options of a server. */
export interface ServerOptions<C extends CodecOption = CodecOption> extends SharedOptions<C> {
  /** Where to listen: URLs such as tcp://127.0.0.1:9000, or objects. */
  readonly endpoints: EndpointInput | readonly EndpointInput[];
  /** Its abort closes the server and rejects what waits. Default: none. */
  readonly signal?: AbortSignal;
  /**
   * Connections held at a time: those beyond are refused. Takes an integer from 1 to 1048576 (connections).
   * Default: 10000.
   */
  readonly maxConnections?: number;
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
  /** Let a listener on :: take IPv6 connections only (IPV6_V6ONLY). Default: false. */
  readonly ipv6Only?: boolean;
}

/** Options of a client. */
export interface ClientOptions<C extends CodecOption = CodecOption> extends SharedOptions<C> {
  /**
   * Whom to call: URLs such as tcp://127.0.0.1:9000, or objects. With several, each attempt takes the next
   * one.
   */
  readonly endpoints: EndpointInput | readonly EndpointInput[];
  /** Its abort ends the client and rejects what waits. Default: none. */
  readonly signal?: AbortSignal;
  /** Address that connections come from. Default: the system's choice. */
  readonly localAddress?: string;
  /**
   * Port that connections come from; 0 leaves it to the system. Takes an integer from 0 to 65535. Default: 0.
   */
  readonly localPort?: number;
  /** How long one attempt to connect may take. Takes an integer from 1 to 2147483647 (ms). Default: 10000. */
  readonly connectTimeoutMs?: number;
  /** Connect again after a loss, with exponential backoff and full jitter. Default: true. */
  readonly reconnect?: boolean | ReconnectOptions;
  /**
   * What send does while there is no connection: queue up to a bound, or with false drop at once. Default: an
   * object with the defaults below.
   */
  readonly offlineQueue?: false | OfflineQueueOptions;
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
