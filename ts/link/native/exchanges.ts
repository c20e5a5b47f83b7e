/**
 * The I/O threads of this environment. They start when they are first needed and end with the
 * environment; all servers and clients share them, so that a thousand clients are one thread.
 */
import { Exchange, type Owner } from './exchange.js';
import type { NativeBinding } from './binding.js';
import { Kept } from './kept.js';
import { NativeLog } from './log.js';

export class Exchanges implements Owner {
  readonly log: NativeLog;
  readonly #binding: NativeBinding;
  readonly #kept: Kept;
  #started: (Exchange | undefined)[] = [];

  constructor(binding: NativeBinding) {
    this.#binding = binding;
    this.log = new NativeLog(binding);
    this.#kept = new Kept(binding);
  }

  /** The first `count` threads; one that broke is replaced. */
  take(count: number): Exchange[] {
    return Array.from({ length: count }, (_, index) => (this.#started[index] ??= this.#start()));
  }

  exchangeFailed(): void {
    this.#started = this.#started.map((exchange) => (exchange?.failure ? undefined : exchange));
  }

  #start(): Exchange {
    const exchange = new Exchange(this.#binding, this.#kept);
    exchange.owners.add(this);
    return exchange;
  }

  /** Makes the threads panic, or one of them, as a defect would: for tests of what follows. */
  injectFailure(only?: number): void {
    for (const [index, exchange] of this.#started.entries())
      if (only === undefined || only === index) exchange?.core.injectFailure();
  }
}
