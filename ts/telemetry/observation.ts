/** What a server or a client tells of itself: its journal, its latencies, its share of the event loop, and snapshots. */
import type { HandshakeInfo } from '../link/qwh.js';
import type { LinkDriver } from '../link/link.js';
import type { TelemetrySettings } from '../options/telemetry.js';
import { Journal } from './journal.js';
import { told } from './handshake-report.js';
import { Profile } from './profile.js';
import type { Telemetry, Vitals } from './snapshot.js';
import type { Batching } from '../policy/batching.js';
import { LoopShare } from '../policy/loop-share.js';

/** What there is to be known of them. */
export interface ObservedSettings extends TelemetrySettings {
  readonly batching: Batching;
  readonly flushIntervalMs: number;
}

/** The server or client. */
export interface Observed {
  readonly id: string;
  readonly mode: Vitals['mode'];
  readonly backend: Vitals['backend'];
  readonly io: Vitals['io'] | undefined;
  telemetry(): Telemetry;
}

export class Observation {
  /** With the option `profiling`. */
  readonly profile: Profile | undefined;
  readonly #observed: Observed;
  readonly #settings: TelemetrySettings;
  readonly #call: (listener: (value: any) => unknown, value: unknown) => void;
  readonly #journal: Journal;
  readonly #loopShare: LoopShare;
  readonly #since = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #stopLog: (() => void) | undefined;

  /** @param call Calls the user's functions and sees to what they throw. */
  constructor(
    role: 'server' | 'client',
    observed: Observed,
    settings: ObservedSettings,
    call: (listener: (value: any) => unknown, value: unknown) => void,
  ) {
    this.#observed = observed;
    this.#settings = settings;
    this.#call = call;
    this.#journal = new Journal(role, observed, settings, call);
    this.#loopShare = new LoopShare(settings.batching, settings.flushIntervalMs, (run) =>
      this.tell('batching', [run]),
    );
    if (settings.profiling) this.profile = new Profile();
  }

  /** @param handshake Of the peer that was accepted last. */
  vitals(handshake: HandshakeInfo | undefined): Vitals {
    const { id, mode, backend, io } = this.#observed;
    const uptimeMs = Math.round(performance.now() - this.#since);
    const latency = this.profile && { latency: this.profile.latencies.stats() };
    const batching = this.#loopShare.stats();
    const rest = { batching, ...(io && { io }), ...latency, ...told(handshake) };
    return { id, time: Date.now(), uptimeMs, mode, backend, ...rest };
  }

  /** An event, with the arguments of its listeners. */
  tell(event: string, values: readonly unknown[]): void {
    this.#journal.tell(event, values);
  }

  /** Snapshots from now on, what the backend logs, and bounds on turns of the event loop. */
  start(driver: LinkDriver): void {
    this.#loopShare.start();
    const { logger, logLevel } = this.#settings;
    if (logger !== undefined)
      this.#stopLog ??= driver.watchLog?.(logLevel, (record) => this.#journal.tellOfBackend(record));
    const { onTelemetry, telemetryIntervalMs } = this.#settings;
    if (onTelemetry === undefined || this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#snapshot(), telemetryIntervalMs).unref();
  }

  /** No more but the last one: what happened since the one before would go untold. */
  stop(): void {
    this.#loopShare.stop();
    this.#stopLog?.();
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#snapshot();
  }

  #snapshot(): void {
    this.#call(this.#settings.onTelemetry!, this.#observed.telemetry());
  }
}
