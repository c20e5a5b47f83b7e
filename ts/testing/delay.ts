/** When the pieces of one way arrive. */
import { Dice } from './dice.js';
import type { Faults } from './faults.js';

export class Delay {
  readonly #jitter: Dice;
  /** When the last piece arrives, and when the line is free again, ms. */
  #last = 0;
  #free = 0;

  constructor(seed: number) {
    this.#jitter = new Dice(seed, 2);
  }

  /** When a piece of `bytes` that comes `now` arrives: never before the one in front of it. */
  arrival(now: number, bytes: number, faults: Faults): number {
    const { latencyMs = 0, jitterMs = 0, bytesPerSecond = Infinity } = faults;
    this.#free = Math.max(this.#free, now) + (bytes / bytesPerSecond) * 1000;
    const due = this.#free + latencyMs + jitterMs * this.#jitter.draw();
    this.#last = Math.max(this.#last, due);
    return this.#last;
  }
}
