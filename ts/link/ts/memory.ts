/**
 * Bytes that this backend holds in this environment, and the links that are not read because the
 * environment holds too much.
 */
import { environmentBudget } from '../budget.js';

/** How often waiting links look again, ms: memory of the other backend is freed without notice. */
const LOOK_AGAIN_MS = 20;

/** Nothing was freed for so long, ms: whoever holds the most of an unfinished message will not finish it. */
const STUCK_MS = 5000;

/** A link that delivers nothing is read until it holds so much, bytes: else the end of its peer would not be noticed. */
export const READ_AHEAD = 64 * 1024;

/** A link that waits for memory. */
export interface Starved {
  /** Bytes it holds of a message that is not finished. */
  readonly held: number;
  /** There is room again. */
  onMemory(): void;
  /** It is to give up what it holds, and itself. */
  onStuck(): void;
}

export class LinkMemory {
  /** Received and in no delivered message, bytes. */
  inbound = 0;
  /** Accepted for sending and not taken by the kernel, bytes. */
  outbound = 0;
  /** In the order of asking, with the budget of each. */
  readonly #waiting = new Map<Starved, number>();
  #timer: NodeJS.Timeout | undefined;
  #lastUsed = 0;
  #lastFreedAt = 0;
  #users = 0;
  #removeGauge: (() => void) | undefined;

  /** A driver starts to use it. */
  acquire(): void {
    this.#users += 1;
    this.#removeGauge ??= environmentBudget.addGauge(() => this.inbound + this.outbound);
  }

  /** A driver is done with it; its links are closed. */
  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#removeGauge?.();
    this.#removeGauge = undefined;
  }

  isFull(budget: number): boolean {
    return environmentBudget.used() >= budget;
  }

  /** Tells `link` once the environment holds less than `budget` bytes. */
  wait(link: Starved, budget: number): void {
    this.#waiting.set(link, budget);
    if (this.#timer !== undefined) return;
    this.#lastUsed = Infinity;
    this.#timer = setInterval(this.#look, LOOK_AGAIN_MS).unref();
  }

  /** Waits no more. */
  forget(link: Starved): void {
    if (!this.#waiting.delete(link) || this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    const used = environmentBudget.used();
    const now = performance.now();
    if (used < this.#lastUsed) this.#lastFreedAt = now;
    this.#lastUsed = used;
    for (const [link, budget] of this.#waiting) {
      // Each one may fill it again: the next one asks anew.
      if (this.isFull(budget)) break;
      this.forget(link);
      link.onMemory();
    }
    if (this.#waiting.size > 0 && now - this.#lastFreedAt > STUCK_MS) this.#cutLargest(now);
  };

  #cutLargest(now: number): void {
    this.#lastFreedAt = now;
    const links = [...this.#waiting.keys()];
    const largest = links.reduce((most, link) => (link.held > most.held ? link : most));
    if (largest.held > 0) largest.onStuck();
  }
}

/** One per environment, as the budget is. */
export const linkMemory = new LinkMemory();
