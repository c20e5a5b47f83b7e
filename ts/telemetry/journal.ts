/**
 * What happens to servers and clients, told beside their events: to the option `logger`, and to those who
 * subscribe to the channels of `node:diagnostics_channel`. Only what is rare: nothing is told per message.
 */
import { channel, type Channel } from 'node:diagnostics_channel';
import type { BackendRecord } from '../link/link.js';
import type { HandshakeInfo } from '../link/qwh.js';
import { RateLimit } from '../policy/warnings.js';
import { told } from './handshake-report.js';

/** How much something matters, least first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Something that happened. */
export interface LogRecord {
  /** ms since 1970. */
  readonly time: number;
  readonly level: LogLevel;
  /** What, such as `server.connection`: docs/telemetry.md has all of them and their fields. */
  readonly event: string;
  /** Of the server or client. */
  readonly id: string;
  /** Of the server's connection that it concerns. */
  readonly connection?: string;
  readonly [field: string]: unknown;
}

/** What subscribers of a channel get. */
export interface DiagnosticsMessage extends LogRecord {
  /** The server or client. */
  readonly source: object;
}

/** Errors of the same code are logged at most this often, ms: peers must not fill a disk with their faults. */
const ERROR_INTERVAL_MS = 1000;

type Fields = Readonly<Record<string, unknown>>;
/** How an event is told; the fields are of the arguments of its listeners. */
interface Telling {
  readonly level: LogLevel;
  readonly channel: Channel;
  fields(...values: any[]): Fields;
}

/** A server's connection, as far as it is told. */
interface Peer {
  readonly id: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly carrier: string;
  readonly protocol: string;
  readonly handshake: HandshakeInfo | undefined;
}

const nothing = (): Fields => ({});
const peerOf = ({ id, remoteAddress, remotePort, carrier, protocol, handshake }: Peer): Fields => ({
  connection: id,
  remoteAddress,
  remotePort,
  carrier,
  protocol,
  ...told(handshake),
});
const failureOf = (
  error: unknown,
  remoteAddress: string,
  remotePort: number,
  suppressed: number,
): Fields => ({
  error,
  remoteAddress,
  remotePort,
  suppressed,
});
const idOf = (peer: Peer | undefined): Fields => (peer === undefined ? {} : { connection: peer.id });
const runOf = ({ reason, count, bytes }: { reason: string; count: number; bytes: number }): Fields => ({
  reason,
  count,
  bytes,
});
const cutsOf = ({ bound, count }: { bound: string; count: number }): Fields => ({ bound, count });

/** By role and event: names, levels and fields. docs/telemetry.md says the same. */
const TELLINGS: Readonly<Record<string, Telling>> = {
  ...of('server', {
    listening: ['info', (addresses: readonly string[]) => ({ addresses })],
    connection: ['debug', peerOf],
    clientClosed: [
      'debug',
      (peer: Peer, code: number, reason: string, clean: boolean) => ({ ...idOf(peer), code, reason, clean }),
    ],
    backpressure: ['debug', (bufferedAmount: number, peer: Peer) => ({ ...idOf(peer), bufferedAmount })],
    drain: ['debug', idOf],
    dropped: ['warn', (run: Parameters<typeof runOf>[0], peer: Peer) => ({ ...idOf(peer), ...runOf(run) })],
    batching: ['debug', cutsOf],
    tlsClientError: ['warn', failureOf],
    handshakeError: ['warn', failureOf],
    draining: ['info', nothing],
    close: ['info', nothing],
    error: ['error', (error: unknown, peer?: Peer) => ({ ...idOf(peer), error })],
  }),
  ...of('client', {
    attempt: ['debug', (number: number) => ({ number })],
    connect: ['info', ({ handshake }: Pick<Peer, 'handshake'>) => told(handshake)],
    disconnect: ['warn', (code: number, reason: string, clean: boolean) => ({ code, reason, clean })],
    reconnecting: [
      'info',
      (attempt: number, delayMs: number, error: unknown) => ({
        attempt,
        delayMs,
        ...(error !== undefined && { error }),
      }),
    ],
    backpressure: ['debug', (bufferedAmount: number) => ({ bufferedAmount })],
    drain: ['debug', nothing],
    dropped: ['warn', runOf],
    batching: ['debug', cutsOf],
    close: ['info', (code: number, reason: string, clean: boolean) => ({ code, reason, clean })],
    error: ['error', (error: unknown) => ({ error })],
  }),
};

function of(
  role: string,
  tellings: Readonly<Record<string, readonly [LogLevel, (...values: any[]) => Fields]>>,
): Record<string, Telling> {
  return Object.fromEntries(
    Object.entries(tellings).map(([event, [level, fields]]) => {
      const name = `${role}.${event}`;
      return [name, { level, fields, channel: channel(`qwormhole:${name}`) }];
    }),
  );
}

/** Every event that is told, with its level. */
export function toldEvents(): [event: string, level: LogLevel][] {
  return Object.entries(TELLINGS).map(([event, { level }]) => [event, level]);
}

/** Whose journal it is. */
export interface JournalSource {
  readonly id: string;
}

/** Where it goes. */
export interface JournalSettings {
  readonly logger: ((record: LogRecord) => unknown) | undefined;
  readonly logLevel: LogLevel;
}

export class Journal {
  readonly #role: 'server' | 'client';
  readonly #source: JournalSource;
  readonly #settings: JournalSettings;
  readonly #call: (logger: (record: LogRecord) => unknown, record: LogRecord) => void;
  /** By error code, of which there is a fixed table. */
  readonly #limits = new Map<unknown, RateLimit>();

  /** @param call Calls the user's function and sees to what it throws. */
  constructor(
    role: 'server' | 'client',
    source: JournalSource,
    settings: JournalSettings,
    call: (logger: (record: LogRecord) => unknown, record: LogRecord) => void,
  ) {
    this.#role = role;
    this.#source = source;
    this.#settings = settings;
    this.#call = call;
  }

  /** What the backend tells of itself, if it matters enough for the logger. */
  tellOfBackend(record: BackendRecord): void {
    const { logger } = this.#settings;
    const { id } = this.#source;
    if (logger === undefined) return;
    this.#call(logger, { ...record, time: Date.now(), event: `${this.#role}.backend`, id });
  }

  /** An event with the arguments that its listeners get; one that is not told is nothing. */
  tell(event: string, values: readonly unknown[]): void {
    const name = `${this.#role}.${event}`;
    const telling = TELLINGS[name];
    if (telling === undefined) return;
    const { level, channel: diagnostics } = telling;
    const { logger, logLevel } = this.#settings;
    const isLogged = logger !== undefined && LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(logLevel);
    if (!isLogged && !diagnostics.hasSubscribers) return;
    const { id } = this.#source;
    const record: LogRecord = { time: Date.now(), level, event: name, id, ...telling.fields(...values) };
    if (isLogged && event === 'error') this.#logError(logger, record);
    else if (isLogged) this.#call(logger, record);
    if (diagnostics.hasSubscribers) diagnostics.publish({ ...record, source: this.#source });
  }

  #logError(logger: (record: LogRecord) => unknown, record: LogRecord): void {
    const { code } = record.error as { readonly code?: unknown };
    let limit = this.#limits.get(code);
    if (limit === undefined) this.#limits.set(code, (limit = new RateLimit(ERROR_INTERVAL_MS)));
    limit.run((suppressed) => this.#call(logger, { ...record, suppressed }));
  }
}
