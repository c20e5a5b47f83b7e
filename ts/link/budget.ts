/**
 * What this environment (the process's main thread, or one worker) holds in memory for its links, in
 * and out, over all drivers. Drivers add a gauge each; a link asks `used()` before it accepts bytes.
 */
export class MemoryBudget {
  // A list and no set: it is walked for every message that is sent, and has one or two entries.
  #gauges: readonly (() => number)[] = [];

  /** Registers a driver's count of bytes held; the returned function takes it back. */
  addGauge(gauge: () => number): () => void {
    this.#gauges = [...this.#gauges, gauge];
    return () => {
      this.#gauges = this.#gauges.filter((other) => other !== gauge);
    };
  }

  /** Bytes held at this moment. */
  used(): number {
    let bytes = 0;
    for (let index = 0; index < this.#gauges.length; index += 1) bytes += this.#gauges[index]();
    return bytes;
  }
}

/** One per environment, as a module instance is. */
export const environmentBudget = new MemoryBudget();
