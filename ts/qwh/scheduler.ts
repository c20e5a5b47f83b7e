/**
 * Which message goes on next. Messages wait whole and become fragments late, so that an urgent one overtakes the
 * rest of a large one.
 */
import type { ClassIndex } from '../link/link.js';
import { FRAGMENT, PASSED_OVER } from './limits.js';

/** A part of a message: `from` to `to` of its payload. Valid until the next is asked for. */
export interface Fragment {
  /** The class whose first message it is of. */
  readonly class: ClassIndex;
  readonly from: number;
  readonly to: number;
  /** Size of the message; it is finished once `to` is there. */
  readonly total: number;
}

/** Strict priority by class, but a class that waits gets one of every 16 fragments, so that nothing starves. */
export class Scheduler {
  /** How much of each class's first message is on its way. */
  readonly #progress = [0, 0, 0];
  /** Fragments of higher classes since normal and low had their turns. */
  #normalPassedOver = 0;
  #lowPassedOver = 0;
  /** One for all: none is made per message. */
  readonly #fragment = { class: 0 as ClassIndex, from: 0, to: 0, total: 0 };

  /**
   * The next fragment, given the size of each class's first message, -1 where none waits. A message stays the first
   * of its class until its last fragment was given out.
   */
  next(high: number, normal: number, low: number): Fragment | undefined {
    const chosen = this.#choose(high >= 0, normal >= 0, low >= 0);
    if (chosen === undefined) return undefined;
    const total = chosen === 0 ? high : chosen === 1 ? normal : low;
    const fragment = this.#fragment;
    fragment.class = chosen;
    fragment.from = this.#progress[chosen];
    fragment.to = Math.min(total, fragment.from + FRAGMENT);
    fragment.total = total;
    this.#progress[chosen] = fragment.to === total ? 0 : fragment.to;
    return fragment;
  }

  /** Whether part of a message of this class is on its way: it may no longer be dropped. */
  isStarted(index: ClassIndex): boolean {
    return this.#progress[index] > 0;
  }

  #choose(high: boolean, normal: boolean, low: boolean): ClassIndex | undefined {
    let chosen: ClassIndex;
    if (normal && this.#normalPassedOver >= PASSED_OVER) chosen = 1;
    else if (low && this.#lowPassedOver >= PASSED_OVER) chosen = 2;
    else if (high) chosen = 0;
    else if (normal) chosen = 1;
    else if (low) chosen = 2;
    else return undefined;
    if (!normal || chosen === 1) this.#normalPassedOver = 0;
    else if (chosen === 0) this.#normalPassedOver += 1;
    if (!low || chosen === 2) this.#lowPassedOver = 0;
    else this.#lowPassedOver += 1;
    return chosen;
  }
}
