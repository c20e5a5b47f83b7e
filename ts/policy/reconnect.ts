/**
 * When to call again: exponential backoff with full jitter. Each pause is drawn evenly from nothing up to
 * a bound that doubles, so that the clients of a server that restarts do not all come back at once.
 */
import type { ReconnectSettings } from '../options/settings.js';

/** Longest pause that a peer can ask for, ms: it is advice, not a way to be rid of us for good. */
const MAX_NOT_BEFORE_MS = 5 * 60_000;

/** Doubling beyond this many times exceeds every cap, and would overflow. */
const MAX_DOUBLINGS = 31;

/** Upper bound of the pause after `failures` failures in a row, ms. */
export function pauseBound({ baseMs, capMs }: ReconnectSettings, failures: number): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(failures, MAX_DOUBLINGS));
}

/** An attempt that is due after a pause. */
export interface PlannedAttempt {
  /** 1 for the first attempt after a loss. */
  readonly attempt: number;
  /** The pause before it, ms. */
  readonly delayMs: number;
}

/** Counts attempts and says how long to wait. Holds no timer and looks at no clock. */
export class Backoff {
  readonly #settings: ReconnectSettings;
  readonly #random: () => number;
  /** Attempts since the last connection. */
  #attempts = 0;
  /** How often the bound has doubled: starts anew only after a connection that lasted. */
  #doublings = 0;
  /** What the peer asked for, ms. */
  #notBeforeMs = 0;
  /** The peer has chosen the moment for us alone. */
  #isOurs = false;

  /** @param random Evenly from [0, 1). */
  constructor(settings: ReconnectSettings, random: () => number = Math.random) {
    this.#settings = settings;
    this.#random = random;
  }

  /** The next attempt, or `undefined` when there were `maxAttempts`. */
  next(): PlannedAttempt | undefined {
    if (this.#attempts >= this.#settings.maxAttempts) return undefined;
    const bound = this.#isOurs ? 0 : pauseBound(this.#settings, this.#doublings);
    this.#attempts += 1;
    this.#doublings += 1;
    const delayMs = this.#notBeforeMs + Math.round(this.#random() * bound);
    this.#notBeforeMs = 0;
    this.#isOurs = false;
    return { attempt: this.#attempts, delayMs };
  }

  /**
   * The peer asks not to be called again for so long, ms: the next pause is that and what it would have been, so
   * that all who were told the same do not come at once.
   */
  notBefore(ms: number): void {
    this.#isOurs = false;
    this.#notBeforeMs = Math.min(Math.max(ms, 0), MAX_NOT_BEFORE_MS);
  }

  /** An attempt succeeded. */
  connected(): void {
    this.#attempts = 0;
    this.notBefore(0);
  }

  /**
   * The connection is lost. One that lasted no longer than the next pause may last counts as one more
   * failure: a server that accepts and hangs up is not called in a tight loop.
   * @param retryAfterMs When the peer, as it left, asked us to come back; 0 for nothing. It has spread its peers
   * itself, so that is the next pause, unless it hangs up again and again.
   */
  lost(lastedMs: number, retryAfterMs = 0): void {
    if (lastedMs > pauseBound(this.#settings, this.#doublings)) this.#doublings = 0;
    this.notBefore(retryAfterMs);
    this.#isOurs = retryAfterMs > 0 && this.#doublings === 0;
  }
}
