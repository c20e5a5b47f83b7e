/**
 * The front of a frame whose rest is still to come. Its memory grows with the bytes received, never with the length
 * announced, and each byte is copied a constant number of times whatever the sizes of the chunks.
 */

/** Smallest memory, bytes: a few tiny chunks do not each cost an allocation. */
const MIN_CARRY = 64;

/**
 * Memory for so many times the bytes that came, up to the frame's end: a little more than twice, so that a message of
 * 64 KiB that comes in TLS records of 16 KiB has its memory with the second, and each byte is copied once.
 */
const GROWTH = 2.25;

const NOTHING = Buffer.alloc(0);

export class Carry {
  /** Valid up to `length`. */
  bytes: Buffer = NOTHING;
  length = 0;

  /** Takes the end of a chunk, with nothing carried before. */
  keep(chunk: Buffer, begin: number, end: number): void {
    const size = end - begin;
    // Most of the chunk: holding it whole costs less than a copy. A small tail must not pin it.
    if (size * 2 < chunk.buffer.byteLength) return this.append(chunk, begin, end);
    this.bytes = chunk.subarray(begin, end);
    this.length = size;
  }

  /** Copies bytes behind those carried; `total` bounds the memory. */
  append(bytes: Buffer, begin: number, end: number, total = MIN_CARRY): void {
    const used = this.length + end - begin;
    if (used > this.bytes.length) {
      const room = Math.max(used, Math.min(Math.ceil(used * GROWTH), total), MIN_CARRY);
      const grown = room > MIN_CARRY ? Buffer.allocUnsafeSlow(room) : Buffer.allocUnsafe(room);
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    bytes.copy(this.bytes, this.length, begin, end);
    this.length = used;
  }

  /** Forgets what it has, of which nobody has a view: its memory is there for what comes next. */
  reuse(): void {
    this.length = 0;
  }

  /** Forgets what it has; whoever has a view of it keeps that. */
  clear(): void {
    this.bytes = NOTHING;
    this.length = 0;
  }
}
