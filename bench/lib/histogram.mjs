/** Latencies in buckets that grow with the value: any number of them in a few kilobytes, 1 % exact. */

/** Buckets per doubling. */
const PER_DOUBLING = 64;

/** From a nanosecond up to two minutes. */
const DOUBLINGS = 37;

export class Histogram {
  #buckets = new Float64Array(PER_DOUBLING * DOUBLINGS);
  #count = 0;
  #max = 0;

  /** @param {number} ms */
  record(ms) {
    const bucket = Math.floor(Math.log2(ms * 1e6 + 1) * PER_DOUBLING);
    this.#buckets[Math.min(bucket, this.#buckets.length - 1)] += 1;
    this.#count += 1;
    if (ms > this.#max) this.#max = ms;
  }

  /** Percentiles and maximum in microseconds; undefined when nothing was recorded. */
  summary() {
    if (this.#count === 0) return undefined;
    return { p50: this.#percentile(0.5), p99: this.#percentile(0.99), max: this.#max * 1e3 };
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
