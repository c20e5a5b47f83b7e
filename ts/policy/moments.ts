/**
 * The moments of a connection that promises wait for: that it takes messages again, that all is written, that it is
 * over. Made with the first promise: most connections are never waited for.
 */
import { Waits, type WaitOptions } from './waits.js';

export type Moment = 'drained' | 'flushed' | 'closed';

export class Moments {
  readonly #waits: { [M in Moment]?: Waits } = {};

  /** Waits for the next `come` or `fail`. */
  wait(moment: Moment, options?: WaitOptions): Promise<void> {
    return (this.#waits[moment] ??= new Waits()).add(options);
  }

  isAwaited(moment: Moment): boolean {
    return this.#waits[moment]?.isEmpty === false;
  }

  come(moment: Moment): void {
    this.#waits[moment]?.resolve();
  }

  /** It will never come. `error` makes the error: it costs its stack, and without somebody who waits there is none. */
  fail(moment: Moment, error: () => unknown): void {
    if (this.isAwaited(moment)) this.#waits[moment]?.reject(error());
  }
}
