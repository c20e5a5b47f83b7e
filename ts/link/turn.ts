/**
 * How much listeners are given in one turn of the event loop, over all links of this environment: they share one
 * loop. Beyond it what has come waits, in order, until timers and everybody else's handles had their turn.
 *
 * The clock is looked at once every few events, a stride; how many that are is the policy's. A stride that a turn
 * does not use up is the next one's, so that light traffic looks at the clock as rarely as heavy traffic does.
 */

/** How long events took: the time of everything that ran meanwhile, garbage collection included. */
export interface Pace {
  readonly events: number;
  readonly ms: number;
}

/** Bounds of one turn. */
export interface TurnBounds {
  /** Time, ms: beyond it no further stride begins. May be `Infinity`. */
  readonly ms: number;
  /** Events. May be `Infinity`. */
  readonly events: number;
  /** Exactly so many: a stride that is not used up is no later turn's, which costs each turn a little. */
  readonly isExact: boolean;
  /** Events until the next look at the clock, after a stride that had this pace. */
  stride(last: number, pace: Pace): number;
}

/** Something with events that wait. */
export interface Waiter {
  /** Deliver, as long as the turn admits it. */
  onTurn(): void;
}

/** Which bound ended turns, and how often. */
export interface TurnCuts {
  readonly time: number;
  readonly events: number;
}

export type CutListener = (bound: keyof TurnCuts) => void;

/** Of those who ask for nothing: some hundred microseconds of light work. */
const MAX_EVENTS = 4096;

export const UNTIMED: TurnBounds = {
  ms: Infinity,
  events: MAX_EVENTS,
  isExact: false,
  stride: (last) => last,
};

export class Turn {
  readonly cuts = { time: 0, events: 0 };
  lastCut: keyof TurnCuts | undefined;
  #all: readonly TurnBounds[] = [];
  #bounds: TurnBounds = UNTIMED;
  readonly #listeners = new Set<CutListener>();
  #stride = 1;
  /** Events that may be delivered before the next look. */
  #left = 0;
  /** Delivered in this turn, those of the present stride counted already. */
  #events = 0;
  /** Of the present stride, as far as its pace is not known. */
  #granted = 0;
  #isOpen = false;
  #isSpent = false;
  #beganAt = -Infinity;
  #lookedAt = -Infinity;
  readonly #waiting = new Set<Waiter>();
  /** Since when something waits that came before, ms; `undefined` if nothing does. */
  behindSince: number | undefined;

  /** Bounds from now on; of several the strictest hold. Gives how to take them back. */
  bound(bounds: TurnBounds): () => void {
    this.#bind([...this.#all, bounds]);
    return () => this.#bind(this.#all.filter((other) => other !== bounds));
  }

  /** Hears of turns that were cut short. Gives how to stop. */
  watch(listener: CutListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** What holds now. */
  get bounds(): { readonly ms: number; readonly events: number; readonly stride: number } {
    const { ms, events } = this.#bounds;
    return { ms, events, stride: this.#stride };
  }

  /** How many of `most` events may be delivered now. After none, `wait`. */
  grant(most: number): number {
    if (!this.#hasMore()) return 0;
    const granted = Math.min(most, this.#left);
    this.#left -= granted;
    return granted;
  }

  /** Whether all of so many events may be delivered now, as far as that is known without a look at the clock. */
  admits(count: number): boolean {
    if (count > this.#left) return false;
    this.#left -= count;
    return true;
  }

  /** Whether one event more has to wait, in which case `waiter` is told when it may go on. */
  defers(waiter: Waiter): boolean {
    if (this.admits(1) || this.grant(1) === 1) return false;
    this.wait(waiter);
    return true;
  }

  /** Has `waiter` told in the next turn, behind those that wait already. */
  wait(waiter: Waiter): void {
    this.#waiting.add(waiter);
  }

  #bind(all: readonly TurnBounds[]): void {
    this.#all = all;
    const [first = UNTIMED, ...others] = all;
    this.#bounds = others.reduce(stricter, first);
    this.#events -= this.#left;
    this.#left = this.#granted = 0;
    this.#stride = 1;
    this.#beganAt = this.#lookedAt = performance.now();
  }

  #hasMore(): boolean {
    if (this.#left === 0) this.#look();
    return this.#left > 0;
  }

  /** Begins another stride, unless the turn is over. */
  #look(): void {
    if (this.#isSpent) return;
    const { ms, events } = this.#bounds;
    const now = this.#now();
    const isDue = now - this.#beganAt >= ms;
    // To see a turn's end costs the loop a microsecond: with time alone to heed, seldom enough will do. What has been
    // quick since one was begun may have been in many; if not, this one gets twice its time.
    if (!this.#isOpen && (isDue || events !== Infinity)) this.#open(now);
    else {
      this.#adapt(now);
      if (isDue) return this.#cut('time');
    }
    if (this.#events >= events) return this.#cut('events');
    const stride = Math.min(ms === Infinity ? MAX_EVENTS : this.#stride, events - this.#events);
    this.#left = this.#granted = stride;
    this.#events += stride;
  }

  /** ms; without a bound of time nobody asks for it. */
  #now(): number {
    return this.#bounds.ms === Infinity ? 0 : performance.now();
  }

  #open(now: number): void {
    this.#isOpen = true;
    this.#events = 0;
    this.#beganAt = this.#lookedAt = now;
    setImmediate(this.#onImmediate);
  }

  #adapt(now: number): void {
    const events = this.#granted - this.#left;
    if (events > 0 && this.#bounds.ms !== Infinity)
      this.#stride = this.#bounds.stride(this.#stride, { events, ms: now - this.#lookedAt });
    this.#granted = this.#left;
    this.#lookedAt = now;
  }

  #cut(bound: keyof TurnCuts): void {
    this.#isSpent = true;
    this.cuts[bound] += 1;
    this.lastCut = bound;
    this.behindSince ??= this.#bounds.ms === Infinity ? performance.now() : this.#beganAt;
    for (const listener of this.#listeners) listener(bound);
  }

  readonly #onImmediate = (): void => {
    // Also of a stride that is not used up: where a turn has a few events only, this is all that is known of them.
    const now = this.#now();
    this.#adapt(now);
    if (this.#bounds.isExact) this.#left = 0;
    this.#isOpen = this.#isSpent = false;
    if (this.#waiting.size > 0) this.#open(now);
    for (const waiter of this.#waiting) {
      if (!this.#hasMore()) return;
      this.#waiting.delete(waiter);
      waiter.onTurn();
    }
    this.behindSince = undefined;
  };
}

function stricter(one: TurnBounds, other: TurnBounds): TurnBounds {
  const { stride } = one.ms <= other.ms ? one : other;
  const isExact = one.isExact || other.isExact;
  return { ms: Math.min(one.ms, other.ms), events: Math.min(one.events, other.events), isExact, stride };
}

/** One per environment, as a module instance is. */
export const environmentTurn = new Turn();
