/**
 * Keeps the memory of received chunks in the process. Node asks the C library for 64 KiB at each read, and V8 gives many
 * megabytes of such chunks back at once. What is free at the end of its heap glibc returns to the system, which has to
 * find and clear every page anew for the next chunks: a fifth of what an echo of 1 KiB costs.
 *
 * How much glibc leaves there is twice the largest block of its own mapping that the process has freed, up to 64 MiB. So
 * one such block is made and freed. It is never touched: no page of it is ever there. Other C libraries take no notice.
 */
import { discard } from './discard.js';

/**
 * Half of what may stay, bytes. V8 frees young buffers when there are 32 MiB of them, and what was sent and carried over
 * with them: with twice 16 MiB every other run of an echo of 64 KiB had its pages cleared still.
 */
const BLOCK = 24 * 1024 * 1024;

/**
 * Bytes received before it is worth it. Few, for a block that fits into what is free in the heap is cut from there, and
 * says nothing.
 */
const ENOUGH = 1024 * 1024;

export class ChunkMemory {
  #received = 0;

  /** To be called for what is received. */
  add(bytes: number): void {
    if (this.#received >= ENOUGH) return;
    this.#received += bytes;
    if (this.#received >= ENOUGH) discard(Buffer.allocUnsafeSlow(BLOCK));
  }
}

/** One per environment: the C library's heap is the process's. */
export const chunkMemory = new ChunkMemory();
