/** Randomness that can be had again: by the seed that every run prints. */
import { createHash, randomInt } from 'node:crypto';

/** Of this run: given, to have a failure again, or new. */
export const SEED = Number(process.env.QWORMHOLE_ATTACK_SEED ?? randomInt(2 ** 31));

export class Random {
  #state: number;

  /** @param name What it is for: each has a sequence of its own, whatever else runs. */
  constructor(name: string) {
    this.#state = createHash('sha256').update(`${SEED} ${name}`).digest().readUInt32LE();
  }

  /** From 0 up to, and without, `bound`. */
  below(bound: number): number {
    // Mulberry32: 32 bits of state are enough for choices that only have to differ.
    let mixed = (this.#state = (this.#state + 0x6d2b79f5) | 0);
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }
}
