/** How many handlers of a connection's messages are at work: those that returned a promise, until it is settled. */
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

  /** A handler has returned something. */
  watch(result: object): void {
    if (typeof (result as PromiseLike<unknown>).then !== 'function') return;
    this.#running += 1;
    if (this.#running === this.#most) this.#changed();
    void Promise.resolve(result).then(this.#onSettled, this.#onSettled);
  }

  readonly #onSettled = (): void => {
    this.#running -= 1;
    if (this.#running === this.#most - 1) this.#changed();
  };
}
