/**
 * What this environment (the process's main thread, or one worker) holds in memory for its links, in
 * and out, over all drivers. Drivers add a gauge each; a link asks `used()` before it accepts bytes.
 */
export class MemoryBudget {
  readonly #gauges = new Set<() => number>();

  /** Registers a driver's count of bytes held; the returned function takes it back. */
  addGauge(gauge: () => number): () => void {
    this.#gauges.add(gauge);
    return () => this.#gauges.delete(gauge);
  }

  /** Bytes held at this moment. */
  used(): number {
    let bytes = 0;
    for (const gauge of this.#gauges) bytes += gauge();
    return bytes;
  }
}

/** One per environment, as a module instance is. */
export const environmentBudget = new MemoryBudget();
