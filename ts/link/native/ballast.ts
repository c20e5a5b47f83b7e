/**
 * Has the garbage collector come in time for buffers of others' memory. V8 begins one of its young collections, which
 * cost little and free a buffer as soon as nobody has messages of it any more, where buffers of its own would have 32 MB
 * in them; for those of others it does not look, and full collections come instead, by bytes of buffers: for messages of
 * 64 KiB they are a quarter of all that these cost.
 *
 * It looks at all buffers whenever one of its own is made, however small that is.
 */

/** Bytes of others' buffers for one of V8's own: few enough to be on time. */
const STRIDE = 256 * 1024;

export class Ballast {
  #bytes = 0;
  /** Nobody's: what nobody could reach would not be made. */
  protected garbage = new ArrayBuffer(1);

  /** To be called for buffers that are made. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < STRIDE) return;
    this.#bytes = 0;
    this.garbage = new ArrayBuffer(1);
  }
}
