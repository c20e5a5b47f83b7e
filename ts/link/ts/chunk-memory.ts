/**
 * Keeps the memory of received chunks in the process. Node asks the C library for 64 KiB at each read, and V8 gives many
 * megabytes of such chunks back at once. What is free at the end of its heap glibc returns to the system, which has to
 * find and clear every page anew for the next chunks: a fifth of what an echo of 1 KiB costs.
 *
 * How much glibc leaves there is twice the largest block of its own mapping that the process has freed, up to 32 MiB. So
 * one such block is made and dropped. It is never touched: no page of it is ever there. Other C libraries take no notice.
 */

/** V8 collects young buffers when 32 MiB of them are there: twice this, bytes. */
const BLOCK = 16 * 1024 * 1024;

/**
 * Bytes received before it is worth it. Few, for a block that fits into what is free in the heap is cut from there, and
 * says nothing.
 */
const ENOUGH = 1024 * 1024;

export class ChunkMemory {
  #received = 0;
  /** Nobody's: what nobody could reach would not be made. */
  protected block: ArrayBuffer | undefined;

  /** To be called for what is received. */
  add(bytes: number): void {
    if (this.#received >= ENOUGH) return;
    this.#received += bytes;
    if (this.#received < ENOUGH) return;
    this.block = new ArrayBuffer(BLOCK);
    // glibc looks at a block when it is freed, which a collection does.
    this.block = undefined;
  }
}

/** One per environment: the C library's heap is the process's. */
export const chunkMemory = new ChunkMemory();
