/** How many handlers of a connection's messages are at work: those that returned a promise, until it is settled. */
/** Whether a listener has returned something to wait for. */
export function isThenable(result: object): result is PromiseLike<unknown> {
  return typeof (result as PromiseLike<unknown>).then === 'function';
}

export class Handlers {
  readonly #most: number;
  readonly #changed: () => void;
  #running = 0;

  /** @param changed `isFull` has another value. */
  constructor(most: number, changed: () => void) {
    this.#most = most;
    this.#changed = changed;
  }

  /** As many are at work as may be: no further message is to be delivered. */
  get isFull(): boolean {
    return this.#running >= this.#most;
  }

  /** A handler has begun; gives the promise of its end. */
  add(result: PromiseLike<unknown>): Promise<unknown> {
    // Once only: there are thenables that begin to work when they are asked.
    const promise = Promise.resolve(result);
    this.#running += 1;
    if (this.#running === this.#most) this.#changed();
    void promise.then(this.#onSettled, this.#onSettled);
    return promise;
  }

  readonly #onSettled = (): void => {
    this.#running -= 1;
    if (this.#running === this.#most - 1) this.#changed();
  };
}
