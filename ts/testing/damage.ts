/** What becomes of the bytes of one way: where they are cut, and which are changed. */
import { Dice } from './dice.js';
import type { Faults } from './faults.js';

/**
 * All depends on the place of a byte in its stream and on the seed, not on how the system cuts the stream into reads:
 * so the same stream is damaged in the same way again.
 */
export class Damage {
  readonly #cuts: Dice;
  readonly #changes: Dice;
  /** Bytes up to the next cut, and up to the next that is changed; undefined until there is such a fault. */
  #untilCut: number | undefined;
  #untilChange: number | undefined;

  constructor(seed: number) {
    this.#cuts = new Dice(seed, 0);
    this.#changes = new Dice(seed, 1);
  }

  /** The pieces in which a chunk arrives. */
  apply(chunk: Buffer, { split, corrupt = 0 }: Faults): Buffer[] {
    const changed = corrupt > 0 ? this.#change(chunk, corrupt) : chunk;
    return split === undefined ? [changed] : this.#cut(changed, split);
  }

  #change(chunk: Buffer, probability: number): Buffer {
    const changed = Buffer.from(chunk);
    let at = this.#untilChange ?? this.#changes.run(probability);
    while (at < changed.length) {
      changed[at] ^= this.#changes.integer(1, 255);
      at += 1 + this.#changes.run(probability);
    }
    this.#untilChange = at - changed.length;
    return changed;
  }

  #cut(chunk: Buffer, most: number): Buffer[] {
    const pieces: Buffer[] = [];
    let from = 0;
    while (from < chunk.length) {
      this.#untilCut ??= this.#cuts.integer(1, most);
      const to = Math.min(from + this.#untilCut, chunk.length);
      pieces.push(chunk.subarray(from, to));
      this.#untilCut -= to - from;
      if (this.#untilCut === 0) this.#untilCut = undefined;
      from = to;
    }
    return pieces;
  }
}
