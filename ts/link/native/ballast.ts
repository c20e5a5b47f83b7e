/**
 * Weight for the garbage collector. V8 sees some dozen bytes of heap in a slab: its young collections, which cost
 * little and would free slabs as soon as nobody has messages of them any more, do not come for those. Full ones do,
 * for bytes of buffers, with the heap of a small server every 20 MB: for messages of 64 KiB a quarter of all that they cost.
 *
 * Garbage on the heap with every slab brings the young ones in time.
 */

/** 64 KiB, a sixteenth of the young generation's first size, and no large object. */
const WORDS = 8 * 1024;

/** To be called with every slab that is lent. */
export function ballast(): void {
  // What is filled is not optimised away.
  void new Array<number>(WORDS).fill(0);
}
