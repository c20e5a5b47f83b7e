/** A server's or client's share of the event loop: its bounds on turns while it runs, and what became of them. */
import { Coalescing } from '../link/coalescing.js';
import { environmentTurn, type TurnCuts } from '../link/turn.js';
import { coalescing, turnBounds, type Batching, type BatchingMode } from './batching.js';

/** What telemetry tells of batching. But for `mode` and `flushIntervalMs` it is of the whole event loop. */
export interface BatchingStats {
  readonly mode: BatchingMode | 'forced';
  /** How long small messages wait for one another, at most, ms. */
  readonly flushIntervalMs: number;
  /** Time for listeners in one turn, ms; `undefined` where none is set. */
  readonly turnMs: number | undefined;
  /** Events in one turn; `undefined` where none is set. */
  readonly maxEvents: number | undefined;
  /** Events until the clock is looked at again: few for slow listeners. */
  readonly stride: number;
  /** Turns that were cut short since the process began, by bound. */
  readonly cuts: TurnCuts;
  /** The bound that cut the last one. */
  readonly lastCut: keyof TurnCuts | undefined;
  /** Streams begun, whose messages wait for one another. */
  readonly streams: number;
}

/** Turns that were cut short. */
export interface CutRun {
  /** The bound that cut the last one. */
  readonly bound: keyof TurnCuts;
  /** Since the run before. */
  readonly count: number;
}

/** Cuts may be hundreds a second: they are told together, and no sooner than so many ms after those before. */
const QUIET_MS = 10_000;

/** A few are the machine's, or of a program that starts; so many are a listener's. */
const WORTH_TELLING = 10;

export class LoopShare {
  readonly #batching: Batching;
  readonly #flushIntervalMs: number;
  readonly #onCuts: (run: CutRun) => void;
  #stops: (() => void)[] = [];
  /** Not told yet. */
  #count = 0;
  #toldAt = -Infinity;

  /** @param onCuts Turns were cut short: called rarely, not from inside of a turn. */
  constructor(batching: Batching, flushIntervalMs: number, onCuts: (run: CutRun) => void) {
    this.#batching = batching;
    this.#flushIntervalMs = flushIntervalMs;
    this.#onCuts = onCuts;
  }

  start(): void {
    if (this.#stops.length > 0) return;
    this.#stops = [
      environmentTurn.bound(turnBounds(this.#batching)),
      environmentTurn.watch((bound) => this.#cut(bound)),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  stats(): BatchingStats {
    const { ms, events, stride } = environmentTurn.bounds;
    return {
      mode: typeof this.#batching === 'object' ? 'forced' : this.#batching,
      flushIntervalMs: coalescing(this.#batching, this.#flushIntervalMs)?.intervalMs ?? this.#flushIntervalMs,
      turnMs: ms === Infinity ? undefined : ms,
      maxEvents: events === Infinity ? undefined : events,
      stride,
      cuts: { ...environmentTurn.cuts },
      lastCut: environmentTurn.lastCut,
      streams: Coalescing.streams,
    };
  }

  #cut(bound: keyof TurnCuts): void {
    this.#count += 1;
    if (this.#count < WORTH_TELLING) return;
    const now = performance.now();
    if (now - this.#toldAt < QUIET_MS) return;
    this.#toldAt = now;
    const count = this.#count;
    this.#count = 0;
    queueMicrotask(() => this.#onCuts({ bound, count }));
  }
}
