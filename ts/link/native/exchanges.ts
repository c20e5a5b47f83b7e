/**
 * The I/O threads of this environment. They start when they are first needed and end with the
 * environment; all servers and clients share them, so that a thousand clients are one thread.
 */
import { Exchange } from './exchange.js';
import type { NativeBinding } from './binding.js';
import { Kept } from './kept.js';

export class Exchanges {
  readonly #binding: NativeBinding;
  readonly #kept: Kept;
  #started: Exchange[] = [];

  constructor(binding: NativeBinding) {
    this.#binding = binding;
    this.#kept = new Kept(binding);
  }

  /** The first `count` threads; one that broke is replaced. */
  take(count: number): Exchange[] {
    for (let index = 0; index < count; index += 1) {
      const exchange = this.#started[index];
      if (exchange === undefined || exchange.failure !== undefined)
        this.#started[index] = new Exchange(this.#binding, this.#kept);
    }
    return this.#started.slice(0, count);
  }

  /** Makes a thread panic, as a defect in it would: for tests of what follows. */
  injectFailure(): void {
    for (const { core } of this.#started) core.injectFailure();
  }
}
