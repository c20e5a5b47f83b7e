/** Chance that can be had again. */

/** Odd, and spread over all bits: neighbouring seeds give dice that have nothing in common. */
const SPREAD = 0x9e3779b9;

/** Draws that follow from a seed and nothing else (the generator is mulberry32). */
export class Dice {
  #state: number;

  /** The draws of one purpose, `turn`, are the same whatever others draw. */
  constructor(seed: number, turn = 0) {
    this.#state = (seed ^ Math.imul(turn + 1, SPREAD)) >>> 0;
  }

  /** From 0 to less than 1. */
  draw(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `least` to `most`. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.draw() * (most - least + 1));
  }

  /** How many go well before one that does not, each failing with this probability, above 0. */
  run(probability: number): number {
    if (probability >= 1) return 0;
    return Math.floor(Math.log(1 - this.draw()) / Math.log1p(-probability));
  }
}
