/** When the queues of links with an interval go to their sockets: one timer for all that share it. */
import { ENOUGH, type Coalescing } from '../coalescing.js';
import { flusher, type Flushable } from './flusher.js';

/** Decides when one queue is flushed. */
export interface FlushTiming {
  /** From so many payload bytes on a queue goes at once. */
  readonly enough: number;
  /** Has `target` flushed in time. */
  add(target: Flushable): void;
  /** Set: to be called when something joins what is queued, which may be more urgent. */
  readonly join: ((target: Flushable) => void) | undefined;
}

class FlushInterval implements FlushTiming {
  readonly enough = ENOUGH;
  readonly join = undefined;
  readonly #ms: number;
  #waiting = new Set<Flushable>();
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  add(target: Flushable): void {
    // One that is there was flushed meanwhile: nothing of it has waited yet.
    if (this.#waiting.delete(target) && this.#waiting.size === 0) clearTimeout(this.#timer);
    // The first sets the time: those that join it wait less.
    if (this.#waiting.size === 0) this.#timer = setTimeout(this.#onTime, this.#ms);
    this.#waiting.add(target);
  }

  readonly #onTime = (): void => {
    const due = this.#waiting;
    this.#waiting = new Set();
    for (const target of due) target.flush();
  };
}

const END_OF_TICK: FlushTiming = {
  enough: Infinity,
  join: undefined,
  add: (target) => flusher.add(target),
};

/** By their length, which is at most a second: few are ever used. */
const intervals = new Map<number, FlushInterval>();

/** Of one queue alone. */
class Coalesced implements FlushTiming {
  readonly enough = ENOUGH;
  readonly #coalescing: Coalescing;
  /** What is queued waits for more of a stream. */
  #waits = false;

  constructor(coalescing: Coalescing) {
    this.#coalescing = coalescing;
  }

  add(target: Flushable): void {
    const ms = this.#coalescing.interval();
    this.#waits = ms > 0;
    timingOf(ms).add(target);
  }

  /** An answer does not wait, nor what is queued before it. */
  join(target: Flushable): void {
    if (this.#waits && this.#coalescing.isAnswered) this.add(target);
  }
}

function timingOf(ms: number): FlushTiming {
  if (ms === 0) return END_OF_TICK;
  let interval = intervals.get(ms);
  if (interval === undefined) intervals.set(ms, (interval = new FlushInterval(ms)));
  return interval;
}

/** The timing for an option `flushIntervalMs`, or for what decides in its place. */
export function flushTiming(ms = 0, coalescing?: Coalescing): FlushTiming {
  return coalescing === undefined ? timingOf(ms) : new Coalesced(coalescing);
}
