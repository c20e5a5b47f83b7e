/** Latencies, counted in buckets: what Prometheus takes, and quantiles as good as the buckets are narrow. */

/**
 * Upper bounds of the buckets, ms: 1, 2.5 and 5 of each power of ten, from what one write costs (10 µs) to what
 * nobody waits for (10 s).
 */
export const BOUNDS_MS: readonly number[] = Object.freeze([
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
]);

/** What was measured so far. Quantiles are upper bounds of their buckets, and at most `maxMs`. */
export interface HistogramStats {
  readonly count: number;
  readonly sumMs: number;
  readonly maxMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many took at most `leMs`; all are in `count`. */
  readonly buckets: readonly { readonly leMs: number; readonly count: number }[];
}

export class Histogram {
  readonly #counts = new Float64Array(BOUNDS_MS.length + 1);
  #sumMs = 0;
  #maxMs = 0;

  record(ms: number): void {
    let at = 0;
    while (at < BOUNDS_MS.length && ms > BOUNDS_MS[at]) at += 1;
    this.#counts[at] += 1;
    this.#sumMs += ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  stats(): HistogramStats {
    let total = 0;
    const buckets = BOUNDS_MS.map((leMs, at) => ({ leMs, count: (total += this.#counts[at]) }));
    const count = total + this.#counts[BOUNDS_MS.length];
    const quantile = (share: number): number => {
      const bucket = buckets.find((each) => each.count >= share * count);
      return Math.min(bucket?.leMs ?? this.#maxMs, this.#maxMs);
    };
    return {
      count,
      sumMs: this.#sumMs,
      maxMs: this.#maxMs,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      buckets,
    };
  }
}
