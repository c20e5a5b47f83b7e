/**
 * Rates: how much may pass, by a token bucket that counts in nanoseconds.
 *
 * A bucket is full at some moment, now or later; what is taken moves that moment on by the time that the rate
 * needs for it. So there is one number to keep, time is an argument, and rounding errors do not add up: the
 * remainder of each division goes into the next. A message larger than the bucket passes when that is full and
 * puts it into debt, and nothing passes until that is paid. The same in `src/link/rate.rs`, on `test/vectors/rates.json`.
 *
 * Who waits is called late, since timers are. A bucket that is full loses what comes meanwhile, and a small one is full
 * soon: so after a late call it holds more than its burst, by what would have passed in the time lost.
 */

/** Nanoseconds of a second, and of a millisecond. */
const SECOND = 1_000_000_000;
const MILLISECOND = 1_000_000;

/**
 * Most that is made up for, nanoseconds: a busy event loop is seldom later, and it is a twentieth of the burst that a
 * rate has by default.
 */
const MAX_CATCH_UP = 50 * MILLISECOND;

/** Units at once whose time in nanoseconds, with a remainder, is still exact in a number. */
const EXACT_UNITS = 9_000_000;

/** So many units a second, and so many at once after a rest. Units are payload bytes or messages. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Bounds of one direction; what is `undefined` is not bounded. */
export interface RateLimits {
  /** In payload bytes. */
  readonly bytes?: Rate;
  /** In messages. */
  readonly messages?: Rate;
  /** Who exceeds it is rejected instead of held back. */
  readonly isHard: boolean;
}

/** Nanoseconds of a clock that never goes back. */
export function nanoseconds(): number {
  return Math.floor(performance.now() * MILLISECOND);
}

/** `floor((a * b + more) / c)`, exact. */
function scaled(a: number, b: number, c: number, more = 0): number {
  const sum = a * b + more;
  if (sum <= Number.MAX_SAFE_INTEGER) return (sum - (sum % c)) / c;
  return Number((BigInt(a) * BigInt(b) + BigInt(more)) / BigInt(c));
}

/** One token bucket. It begins full. Times are nanoseconds. */
export class Bucket {
  readonly #perSecond: number;
  /** How long it takes to fill. */
  readonly #depth: number;
  /** How long one unit takes. */
  readonly #one: number;
  #fullAt = 0;
  /** A full bucket goes on filling for the time until then, as far as that is not over. */
  #catchesUpUntil = 0;
  /** What the last division left over, in units × nanoseconds. */
  #rest = 0;

  constructor({ perSecond, burst }: Rate) {
    this.#perSecond = perSecond;
    this.#depth = Math.max(scaled(burst, SECOND, perSecond), 1);
    this.#one = this.#timeOf(1);
  }

  /** Takes `units` out, into debt if need be. */
  take(units: number, now: number): void {
    let left = units;
    this.#fullAt = this.#fullSince(now);
    for (; left > EXACT_UNITS; left -= EXACT_UNITS) this.#takeExact(EXACT_UNITS);
    this.#takeExact(left);
  }

  /** Who waited is called so many nanoseconds late. */
  late(by: number, now: number): void {
    this.#catchesUpUntil = now + Math.min(by, MAX_CATCH_UP);
  }

  /** When it is full or, if it is, how far back that counts. */
  #fullSince(now: number): number {
    return Math.max(this.#fullAt, now - Math.max(this.#catchesUpUntil - now, 0));
  }

  #takeExact(units: number): void {
    const due = units * SECOND + this.#rest;
    this.#rest = due % this.#perSecond;
    this.#fullAt += (due - this.#rest) / this.#perSecond;
  }

  /** How long until `units` may pass; 0 if they may now. */
  wait(units: number, now: number): number {
    const need = Math.min(units === 1 ? this.#one : this.#timeOf(units), this.#depth);
    return Math.max(Math.max(this.#fullAt - now, 0) + need - this.#depth, 0);
  }

  /** Rounded up. */
  #timeOf(units: number): number {
    return scaled(units, SECOND, this.#perSecond, this.#perSecond - 1);
  }

  /** Units that may pass without debt. */
  available(now: number): number {
    const level = Math.max(this.#depth - (this.#fullSince(now) - now), 0);
    return scaled(level, this.#perSecond, SECOND);
  }
}

/** Both bounds of one direction of a connection. */
export class Throttle {
  readonly #bytes: Bucket | undefined;
  readonly #messages: Bucket | undefined;
  /** When what waits was to pass. */
  #dueAt: number | undefined;

  constructor({ bytes, messages }: RateLimits) {
    this.#bytes = bytes && new Bucket(bytes);
    this.#messages = messages && new Bucket(messages);
  }

  /** Counts what has passed. */
  take(bytes: number, messages: number, now: number): void {
    this.#bytes?.take(bytes, now);
    this.#messages?.take(messages, now);
  }

  /** How long until one message of `bytes` may pass, nanoseconds; 0 if it may now. */
  wait(bytes: number, now: number): number {
    return Math.max(this.#bytes?.wait(bytes, now) ?? 0, this.#messages?.wait(1, now) ?? 0);
  }

  /** Something waits from now on: how long it must, nanoseconds. */
  hold(now: number): number {
    const wait = this.wait(1, now);
    this.#dueAt = now + wait;
    return wait;
  }

  /** Whether something may pass. What a late look has lost of what waits is made up for. */
  passes(now: number): boolean {
    if (this.wait(1, now) > 0) return false;
    if (this.#dueAt === undefined) return true;
    this.#bytes?.late(now - this.#dueAt, now);
    this.#messages?.late(now - this.#dueAt, now);
    this.#dueAt = undefined;
    return true;
  }

  /** As `passes`, in bytes that may pass, where messages are of about `mean` bytes. At least 1 if anything may. */
  allowance(mean: number, now: number): number {
    if (!this.passes(now)) return 0;
    const bytes = Math.max(this.#bytes?.available(now) ?? Infinity, 1);
    const messages = Math.max(this.#messages?.available(now) ?? Infinity, 1);
    return Math.min(bytes, messages * Math.max(mean, 1));
  }
}
