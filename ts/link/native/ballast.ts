/**
 * Weight for the garbage collector. V8 sees some dozen bytes of heap in a buffer, whatever its length: its young
 * collections, which cost little and would free a buffer as soon as nobody has messages of it any more, do not come for
 * those. Full ones do, by bytes of buffers, with the heap of a small server every 20 MB: for messages of 64 KiB that is a
 * quarter of all that they cost.
 *
 * Garbage on the heap in proportion to buffers brings the young ones in time.
 */

/** 64 KiB, a sixteenth of the young generation's first size, and no large object. */
const WORDS = 8 * 1024;

/** Bytes of buffers for so much garbage. */
const STRIDE = 256 * 1024;

export class Ballast {
  #bytes = 0;
  /** Nobody's: what nobody could reach would not be made. */
  protected garbage: undefined[] = [];

  /** To be called for buffers that are made. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < STRIDE) return;
    this.#bytes = 0;
    this.garbage = Array<undefined>(WORDS);
  }
}
