/**
 * The I/O threads of this environment, and its inline I/O. They start when they are first needed and end with the
 * environment; all servers and clients share them, so that a thousand clients are one thread.
 */
import { Exchange, type Owner } from './exchange.js';
import type { NativeBinding } from './binding.js';
import type { Io } from '../../policy/io.js';
import { Kept } from './kept.js';
import { NativeLog } from './log.js';

export class Exchanges implements Owner {
  readonly log: NativeLog;
  readonly #binding: NativeBinding;
  readonly #kept: Kept;
  #threads: (Exchange | undefined)[] = [];
  #inline: Exchange | undefined;

  constructor(binding: NativeBinding) {
    this.#binding = binding;
    this.log = new NativeLog(binding);
    this.#kept = new Kept(binding);
  }

  /** The first `count` threads; one that broke is replaced. @throws QWormholeError if the system gives none. */
  threads(count: number): Exchange[] {
    return Array.from({ length: count }, (_, index) => (this.#threads[index] ??= this.#start('threads')));
  }

  /** Inline I/O; where it broke, anew. @throws QWormholeError `ERR_QW_OPTION_UNSUPPORTED` where it cannot be had. */
  inline(): Exchange {
    return (this.#inline ??= this.#start('inline'));
  }

  exchangeFailed(): void {
    this.#threads = this.#threads.map((exchange) => (exchange?.failure ? undefined : exchange));
    if (this.#inline?.failure) this.#inline = undefined;
  }

  #start(io: Io): Exchange {
    const exchange = new Exchange(this.#binding, this.#kept, io);
    exchange.owners.add(this);
    return exchange;
  }

  /** Makes the threads panic, or one of them, and inline I/O, as a defect would: for tests of what follows. */
  injectFailure(only?: number): void {
    for (const [index, exchange] of this.#threads.entries())
      if (only === undefined || only === index) exchange?.core.injectFailure();
    this.#inline?.core.injectFailure();
  }
}
