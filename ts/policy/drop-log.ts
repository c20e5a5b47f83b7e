/**
 * Turns single drops into one report per run. A run ends with the next accepted message, with another
 * reason or with the connection: a sender in a loop hears of it once, not a million times. One that never
 * ends is reported in parts, so that it is heard of at all.
 */
import type { DropReason } from '../link/link.js';

/** The longest part of a run that is reported at once, ms: soon enough for a person, rare enough for a log. */
const PART_MS = 1000;

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
  #timer: NodeJS.Timeout | undefined;
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
    this.#timer ??= setTimeout(this.#onTimer, PART_MS).unref();
  }

  /** Ends the run under way, if there is one. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.isOpen) return;
    const run = { reason: this.#reason, count: this.#count, bytes: this.#bytes };
    // Before the report: a listener may send again.
    this.isOpen = false;
    this.#count = this.#bytes = 0;
    this.#report(run);
  }

  readonly #onTimer = (): void => this.end();
}
