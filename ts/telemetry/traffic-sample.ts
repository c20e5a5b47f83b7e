/** A sample of the traffic's payload, which a handshake's `nv` describes: bounded, and rolling. */

/** Bytes held: enough for an entropy near 8 bits per byte to show as such. */
const CAPACITY = 4096;
/** Below it nothing is told: whoever knows the hash of a few bytes can find the bytes by trying. */
const LEAST = 256;
/** Bytes of one message: a large one does not make up all of it. */
const SLICE = 64;
/** Every so many messages one is looked at: bursts of one kind, too, leave the others in. */
const STRIDE = 8;

export class TrafficSample {
  readonly #ring = Buffer.alloc(CAPACITY);
  #next = 0;
  #size = 0;
  #seen = 0;

  /** A message goes or comes. */
  take(payload: string | Uint8Array): void {
    if (this.#seen++ % STRIDE !== 0) return;
    const from = Math.floor(Math.random() * Math.max(1, payload.length - SLICE));
    const slice = payload.slice(from, from + SLICE);
    this.#add(typeof slice === 'string' ? Buffer.from(slice) : slice);
  }

  /** A copy, if there is enough. */
  bytes(): Uint8Array | undefined {
    return this.#size < LEAST ? undefined : this.#ring.subarray(0, this.#size).slice();
  }

  #add(bytes: Uint8Array): void {
    const first = bytes.subarray(0, CAPACITY - this.#next);
    this.#ring.set(first, this.#next);
    this.#ring.set(bytes.subarray(first.length), 0);
    this.#next = (this.#next + bytes.length) % CAPACITY;
    this.#size = Math.min(this.#size + bytes.length, CAPACITY);
  }
}
