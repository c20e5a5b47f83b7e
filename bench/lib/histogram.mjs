/** Latencies in buckets that grow with the value: any number of them in a few kilobytes, 1 % exact. */

/** Buckets per doubling. */
const PER_DOUBLING = 64;

/** Of those that are told, which are fewer: each is a tenth wider than the one before. */
const TOLD_PER_DOUBLING = 8;

/** From a nanosecond up to two minutes. */
const DOUBLINGS = 37;

export class Histogram {
  #buckets = new Float64Array(PER_DOUBLING * DOUBLINGS);
  #count = 0;
  #max = 0;
  #sum = 0;

  /** @param {number} ms */
  record(ms) {
    const bucket = Math.floor(Math.log2(ms * 1e6 + 1) * PER_DOUBLING);
    this.#buckets[Math.min(bucket, this.#buckets.length - 1)] += 1;
    this.#count += 1;
    this.#sum += ms;
    if (ms > this.#max) this.#max = ms;
  }

  /** Percentiles and the rest in microseconds; undefined when nothing was recorded. */
  summary() {
    if (this.#count === 0) return undefined;
    return {
      mean: (this.#sum / this.#count) * 1e3,
      p50: this.#percentile(0.5),
      p90: this.#percentile(0.9),
      p99: this.#percentile(0.99),
      p999: this.#percentile(0.999),
      max: this.#max * 1e3,
      histogram: this.#told(),
    };
  }

  /** Upper bounds in microseconds and counts of the buckets that have any. */
  #told() {
    const width = PER_DOUBLING / TOLD_PER_DOUBLING;
    const counts = new Map();
    for (const [bucket, count] of this.#buckets.entries()) {
      if (count === 0) continue;
      const wide = Math.floor(bucket / width);
      counts.set(wide, (counts.get(wide) ?? 0) + count);
    }
    return Array.from(counts, ([wide, count]) => [2 ** ((wide + 1) / TOLD_PER_DOUBLING) / 1e3, count]);
  }

  #percentile(part) {
    const wanted = this.#count * part;
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= wanted) return 2 ** ((bucket + 0.5) / PER_DOUBLING) / 1e3;
    }
    return this.#max * 1e3;
  }
}
