/** Identifiers that nobody can guess. */
import { randomFillSync } from 'node:crypto';

/** 128 bits. */
const BYTES = 16;

/** One call of the generator serves this many: most of its cost is the call. */
const BATCH = 256;

const pool = Buffer.alloc(BYTES * BATCH);
let next = pool.length;

/** A fresh random identifier of 128 bits, 32 hexadecimal digits. */
export function randomId(): string {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const id = pool.toString('hex', next, next + BYTES);
  // Used bits do not stay in memory for anyone to read out of a heap snapshot.
  pool.fill(0, next, next + BYTES);
  next += BYTES;
  return id;
}
