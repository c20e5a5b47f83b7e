/**
 * Bytes of delivered messages that the paused links of this environment keep, as the I/O side reads them: the
 * memory that it accounts for together with its own.
 */
import type { IoMemory, NativeBinding } from './binding.js';

export class Kept {
  readonly memory: IoMemory;
  readonly #word = new Uint32Array(new ArrayBuffer(4));

  constructor(binding: NativeBinding) {
    this.memory = new binding.IoMemory(this.#word.buffer);
  }

  add(bytes: number): void {
    this.#word[0] += bytes;
  }
}
