/** Snapshots of servers and clients: the counters of `stats()`, and what they belong to. */
import type { ConnectionState } from '../connection.js';
import type { BatchingStats } from '../policy/loop-share.js';
import type { Backend, Mode } from '../link/link.js';
import type { Io } from '../policy/io.js';
import type { ClientStats, ServerStats } from '../stats.js';
import type { HandshakeReport } from './handshake-report.js';
import type { LatencyStats } from './latencies.js';

/** What every snapshot has. */
export interface Vitals {
  /** Of the server or client: that of log records and diagnostics. */
  readonly id: string;
  /** When it was taken, ms since 1970. */
  readonly time: number;
  /** Since the object was made, ms. */
  readonly uptimeMs: number;
  /** The backend in use. */
  readonly mode: Mode;
  /** The name of that backend. */
  readonly backend: Backend;
  /** Where the native backend serves sockets. */
  readonly io?: Io;
  /** Of the peer that was accepted last, if it spoke qwh. */
  readonly handshake?: HandshakeReport;
  /** How much goes at once. */
  readonly batching: BatchingStats;
  /** With the option `profiling`. */
  readonly latency?: LatencyStats;
}

/** What a server's `telemetry()` and `onTelemetry` give. */
export interface ServerTelemetry extends Vitals, ServerStats {
  readonly role: 'server';
  /** It takes connections. */
  readonly ready: boolean;
}

/** What a client's `telemetry()` and `onTelemetry` give. */
export interface ClientTelemetry extends Vitals, ClientStats {
  readonly role: 'client';
  readonly state: ConnectionState;
}

export type Telemetry = ServerTelemetry | ClientTelemetry;
