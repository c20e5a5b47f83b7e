/**
 * What the Rust side tells of itself (`tracing`), for the loggers of this environment: one way in, at the least level
 * that any of them wants.
 */
import type { BackendRecord, LogListener } from '../link.js';
import type { LogWatch, NativeBinding } from './binding.js';

/** Least first. */
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

interface Entry {
  readonly rank: number;
  readonly listener: LogListener;
}

export class NativeLog {
  readonly #binding: NativeBinding;
  readonly #entries = new Set<Entry>();
  #watch: LogWatch | undefined;
  #rank = Infinity;

  constructor(binding: NativeBinding) {
    this.#binding = binding;
  }

  /** Gives how to stop. */
  watch(level: Level, listener: LogListener): () => void {
    const entry = { rank: LEVELS.indexOf(level), listener };
    this.#entries.add(entry);
    this.#tune();
    return () => {
      this.#entries.delete(entry);
      this.#tune();
    };
  }

  #tune(): void {
    const rank = Math.min(...Array.from(this.#entries, (entry) => entry.rank));
    if (rank === this.#rank) return;
    this.#rank = rank;
    this.#watch?.stop();
    this.#watch = this.#entries.size > 0 ? new this.#binding.LogWatch(LEVELS[rank], this.#tell) : undefined;
  }

  readonly #tell = (json: string): void => {
    const { fields, ...record } = JSON.parse(json) as BackendRecord & { fields: object };
    const rank = LEVELS.indexOf(record.level);
    for (const entry of this.#entries) if (rank >= entry.rank) entry.listener({ ...fields, ...record });
  };
}
