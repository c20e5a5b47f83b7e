/** How many control frames a peer may send: they cost it nothing, and us an answer. */
export class Allowance {
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #since: number | undefined;

  /** So many at once, so many a second from then on. */
  constructor(burst: number, perSecond: number) {
    this.#burst = this.#tokens = burst;
    this.#perMs = perSecond / 1000;
  }

  /** Takes one; false if there is none. `now` is in milliseconds. */
  take(now: number): boolean {
    const elapsed = now - (this.#since ?? now);
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed * this.#perMs);
    this.#since = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
