/** Options as the library uses them: every field decided, nothing left to check. */
import type { Codec } from '../codec/codec.js';
import type { Agent } from 'node:http';
import type { Endpoint } from '../endpoint.js';
import type { DeflateSettings, Protocol } from '../link/link.js';
import type { Heartbeat } from '../link/liveness.js';
import type { RateLimits } from '../link/rate.js';
import type { IoWish } from '../policy/io.js';
import type { Batching } from '../policy/batching.js';
import type { Overflow } from '../policy/overflow.js';
import type { Authorize } from '../policy/upgrade-authorize.js';
import type { SubprotocolChoice } from '../policy/upgrade-subprotocol.js';
import type { HandshakeMeta, VerifyHandshake } from '../policy/handshake.js';
import type { HandshakeExtension, HandshakeMode } from './qwh.js';
import type { ClientSources } from './sources.js';
import type { TelemetrySettings } from './telemetry.js';
import type { CheckedClientTls, CheckedServerTls } from './tls-schema.js';

/** An endpoint with its protocol decided. */
export interface SettledEndpoint extends Endpoint {
  readonly protocol: Protocol;
}

/** What servers and clients have in common. Units and meanings are those of the options. */
export interface SharedSettings extends TelemetrySettings {
  /** At least one, unless a client asks for them before each attempt. */
  readonly endpoints: readonly SettledEndpoint[];
  /** That of endpoints without one of their own, and of what a server is attached to. */
  readonly protocol: Protocol;
  readonly codec: Codec;
  readonly preferNative: boolean;
  readonly forceTs: boolean;
  /** `undefined`: `error` where native was forced, else `migrate`. */
  readonly onNativeFailure: 'migrate' | 'error' | undefined;
  /** `undefined`: as the environment says. */
  readonly io: IoWish | undefined;
  readonly ioThreads: number;
  readonly maxMessage: number;
  readonly highWaterMark: number;
  readonly lowWaterMark: number;
  readonly maxQueued: number;
  readonly overflow: Overflow;
  readonly flushIntervalMs: number;
  readonly batching: Batching;
  /** May be `Infinity`. */
  readonly concurrency: number;
  readonly inboundRate: RateLimits | undefined;
  readonly outboundRate: RateLimits | undefined;
  readonly memoryBudget: number;
  readonly closeTimeoutMs: number;
  readonly heartbeat: Heartbeat | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly noDelay: boolean;
  readonly keepAlive: number | false;
  readonly receiveBufferSize: number | undefined;
  readonly sendBufferSize: number | undefined;
  readonly notSentLowAt: number | undefined;
  readonly userTimeoutMs: number | undefined;
  readonly interfaceName: string | undefined;
  readonly interfaceBinding: 'device' | 'address';
  readonly copy: boolean;
  readonly signal: AbortSignal | undefined;
  readonly deflate: DeflateSettings | false;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  readonly maxFragments: number;
  readonly controlBurst: number;
  readonly controlPerSecond: number;
  readonly verifyHandshake: VerifyHandshake | undefined;
  readonly offeredCaps: bigint;
  readonly requiredCaps: bigint;
  readonly meta: HandshakeMeta;
  readonly trace: string | undefined;
  readonly extensions: readonly HandshakeExtension[];
}

/** Everything that a server was told or assumes. */
export interface ServerSettings extends SharedSettings {
  readonly maxConnections: number;
  /** May be `Infinity`. */
  readonly maxConnectionsPerAddress: number;
  readonly backlog: number;
  readonly reusePort: boolean;
  /** `undefined`: as the umask has it. */
  readonly socketMode: number | undefined;
  readonly replaceStaleSocket: boolean;
  readonly ipv6Only: boolean;
  readonly subprotocols: readonly string[] | SubprotocolChoice;
  /** `undefined`: the host of the request. */
  readonly origins: '*' | readonly string[] | undefined;
  readonly requireOrigin: boolean;
  readonly authorize: Authorize | undefined;
  readonly handshake: HandshakeMode;
  readonly handshakeTimeoutMs: number;
  readonly maxPendingHandshakes: number;
  readonly maxTopics: number;
  /** As given: files and environment are read when the server is made. */
  readonly tls: CheckedServerTls | undefined;
}

/** How a client connects again. */
export interface ReconnectSettings {
  readonly initial: boolean;
  readonly baseMs: number;
  readonly capMs: number;
  /** May be `Infinity`. */
  readonly maxAttempts: number;
}

/** What a client keeps while there is no connection. */
export interface OfflineQueueSettings {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Everything that a client was told or assumes. */
export interface ClientSettings extends SharedSettings {
  readonly localAddress: string | undefined;
  /** 0: the system chooses. */
  readonly localPort: number;
  readonly connectTimeoutMs: number;
  readonly reconnect: ReconnectSettings | false;
  readonly offlineQueue: OfflineQueueSettings | false;
  readonly subprotocols: readonly string[];
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly maxRedirects: number;
  readonly agent: Agent | undefined;
  /** Of an endpoint that does not say its own. */
  readonly protocol: Protocol;
  /** What is asked for before each attempt. */
  readonly sources: ClientSources;
  /** As given: files and environment are read when the client is made. */
  readonly tls: CheckedClientTls | undefined;
}
