/**
 * Attempts that race (RFC 8305, section 5): the next one begins when one fails or a moment has passed, and the
 * first that succeeds ends all others. So what does not answer costs a moment, not a timeout.
 */
import { onAbort } from '../abort.js';
import { aborted } from '../errors/error.js';

/**
 * One way to get there. Rejects when the signal is aborted. `onAnswer` is called when the other end is there, however
 * long it takes from then on: it has no rivals any more.
 */
export type Attempt<T> = (signal: AbortSignal, onAnswer: () => void) => Promise<T>;

/** How the attempts of a race follow one another. */
export interface RaceRules<T> {
  /** How long an attempt may take before the next one begins beside it, ms. */
  readonly delayMs: number;
  /** False: an attempt whose time is over is given up, for those that cannot be under way at once. Default: true. */
  readonly overlap?: boolean;
  /** After this failure no other attempt makes sense. */
  isFinal?(error: unknown): boolean;
  /** An attempt that succeeded although it was given up. */
  discard(value: T): void;
}

/** At least one attempt. Rejects with the failure that came last. */
export function race<T>(
  attempts: readonly Attempt<T>[],
  rules: RaceRules<T>,
  signal: AbortSignal,
): Promise<T> {
  if (signal.aborted) return Promise.reject(aborted(signal));
  return new Promise((resolve, reject) => new Race(attempts, rules, signal).run(resolve, reject));
}

class Race<T> {
  /** Those that are not begun. */
  readonly #attempts: Attempt<T>[];
  readonly #rules: RaceRules<T>;
  readonly #signal: AbortSignal;
  readonly #running = new Map<AbortController, Attempt<T>>();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;

  constructor(attempts: readonly Attempt<T>[], rules: RaceRules<T>, signal: AbortSignal) {
    this.#attempts = [...attempts];
    this.#rules = rules;
    this.#signal = signal;
  }

  run(resolve: (value: T) => void, reject: (error: unknown) => void): void {
    const stopListening = onAbort(this.#signal, () => this.#fail(aborted(this.#signal)));
    this.#resolve = (value) => (stopListening(), resolve(value));
    this.#reject = (error) => (stopListening(), reject(error));
    this.#begin();
  }

  #begin(): void {
    clearTimeout(this.#timer);
    const attempt = this.#attempts.shift()!;
    const controller = new AbortController();
    this.#running.set(controller, attempt);
    if (this.#attempts.length > 0)
      this.#timer = setTimeout(() => this.#expire(controller), this.#rules.delayMs);
    attempt(controller.signal, () => this.#answered(controller)).then(
      (value) => this.#succeeded(controller, value),
      (error: unknown) => this.#failed(controller, error),
    );
  }

  /** The next one begins beside this one, or instead of it. */
  #expire(controller: AbortController): void {
    if (this.#rules.overlap === false) controller.abort();
    else this.#begin();
  }

  /** The others are given up, and wait in case that this one fails after all. */
  #answered(controller: AbortController): void {
    if (!this.#running.has(controller) || controller.signal.aborted) return;
    clearTimeout(this.#timer);
    const rivals = [...this.#running].filter(([rival]) => rival !== controller);
    this.#attempts.unshift(...rivals.map(([, attempt]) => attempt));
    for (const [rival] of rivals) {
      this.#running.delete(rival);
      rival.abort();
    }
  }

  #succeeded(controller: AbortController, value: T): void {
    const isLate = this.#isOver || controller.signal.aborted;
    if (isLate) this.#rules.discard(value);
    if (isLate) return this.#failed(controller, aborted(controller.signal));
    this.#running.delete(controller);
    this.#end();
    this.#resolve(value);
  }

  #failed(controller: AbortController, error: unknown): void {
    // One that was given up has failed before.
    if (!this.#running.delete(controller) || this.#isOver) return;
    if (this.#rules.isFinal?.(error)) this.#fail(error);
    else if (this.#attempts.length > 0) this.#begin();
    else if (this.#running.size === 0) this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const controller of this.#running.keys()) controller.abort();
    this.#running.clear();
  }
}
