/**
 * Bytes that this backend holds in this environment, and the queue of links that wait because the
 * environment holds too much.
 */
import { environmentBudget } from '../budget.js';

/** How often waiting links look again, ms: memory of the other backend is freed without notice. */
const LOOK_AGAIN_MS = 20;

interface Waiter {
  readonly budget: number;
  readonly resume: () => void;
}

export class LinkMemory {
  /** Received and in no delivered message, bytes. */
  inbound = 0;
  /** Accepted for sending and not taken by the kernel, bytes. */
  outbound = 0;
  readonly #waiters = new Map<object, Waiter>();
  #timer: NodeJS.Timeout | undefined;
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

  /** Calls `resume` once the environment holds less than `budget` bytes, in the order of asking. */
  wait(owner: object, budget: number, resume: () => void): void {
    this.#waiters.set(owner, { budget, resume });
    this.#timer ??= setInterval(this.#look, LOOK_AGAIN_MS).unref();
  }

  /** Waits no more. */
  forget(owner: object): void {
    this.#waiters.delete(owner);
    if (this.#waiters.size === 0) this.#stop();
  }

  readonly #look = (): void => {
    for (const [owner, { budget, resume }] of this.#waiters) {
      // Each resumed link may fill it again: the next one asks anew.
      if (this.isFull(budget)) return;
      this.#waiters.delete(owner);
      resume();
    }
    if (this.#waiters.size === 0) this.#stop();
  };

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** One per environment, as the budget is. */
export const linkMemory = new LinkMemory();
