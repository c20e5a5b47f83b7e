/**
 * Decides when queued messages go to their sockets: once for everything that a received chunk brings
 * about, at its end, and once a tick for the rest. One `socket.write` costs what forty messages cost.
 */

/** Something with queued bytes. */
export interface Flushable {
  flush(): void;
}

export class Flusher {
  /** Targets up to `#count`; beyond are those of earlier ticks. Setting an array's length costs more than a small flush. */
  #dirty: (Flushable | undefined)[] = [];
  #spare: (Flushable | undefined)[] = [];
  #count = 0;
  #isDispatching = false;
  #isScheduled = false;

  /** Has `target` flushed soon. It calls this once until then. */
  add(target: Flushable): void {
    this.#dirty[this.#count++] = target;
    if (this.#isDispatching || this.#isScheduled) return;
    this.#isScheduled = true;
    // nextTick rather than a microtask: a tick scheduled by a promise job runs when the promise queue
    // is empty, so that a chain of awaits with a send each still becomes one write.
    process.nextTick(this.#onTick);
  }

  /** Received messages are about to be dispatched; false if they are within such a dispatch already. */
  begin(): boolean {
    if (this.#isDispatching) return false;
    return (this.#isDispatching = true);
  }

  /** The dispatch is over. */
  end(): void {
    this.#isDispatching = false;
    this.#run();
  }

  readonly #onTick = (): void => {
    this.#isScheduled = false;
    this.#run();
  };

  #run(): void {
    const count = this.#count;
    if (count === 0) return;
    const due = this.#dirty;
    this.#dirty = this.#spare;
    this.#count = 0;
    for (let index = 0; index < count; index += 1) {
      due[index]!.flush();
      due[index] = undefined;
    }
    this.#spare = due;
  }
}

/** One per environment: a reply may go out over another link than the one that is being read. */
export const flusher = new Flusher();
