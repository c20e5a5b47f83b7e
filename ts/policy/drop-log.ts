/**
 * Turns single drops into one report per run. A run ends with the next accepted message, with another
 * reason, with the tick, or with the connection: a sender in a loop hears of it once, not a million times.
 */
import type { DropReason } from '../link/link.js';

/** A run of messages that were not accepted. */
export interface DropRun {
  readonly reason: DropReason;
  /** Messages. */
  readonly count: number;
  /** Their payload bytes. */
  readonly bytes: number;
}

export class DropLog {
  /** Whether a run is under way: the hot path asks before it calls `end`. */
  isOpen = false;
  #reason: DropReason = 'closed';
  #count = 0;
  #bytes = 0;
  #isScheduled = false;
  readonly #report: (run: DropRun) => void;

  constructor(report: (run: DropRun) => void) {
    this.#report = report;
  }

  add(reason: DropReason, bytes: number, count = 1): void {
    if (this.isOpen && reason !== this.#reason) this.end();
    this.isOpen = true;
    this.#reason = reason;
    this.#count += count;
    this.#bytes += bytes;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(this.#onTick);
  }

  /** Ends the run under way, if there is one. */
  end(): void {
    if (!this.isOpen) return;
    const run = { reason: this.#reason, count: this.#count, bytes: this.#bytes };
    // Before the report: a listener may send again.
    this.isOpen = false;
    this.#count = this.#bytes = 0;
    this.#report(run);
  }

  readonly #onTick = (): void => {
    this.#isScheduled = false;
    this.end();
  };
}
