/**
 * Bytes to messages, for the length-prefixed protocol: a 32-bit big-endian length, then the payload.
 *
 * It is pulled: `push` gives it a chunk, `next` takes one message after the other, so that whoever pulls
 * may stop at any message and go on later. Messages that lie whole in a chunk are views of it. What is
 * cut off at the end of a chunk is carried in memory that grows with the bytes received, never with the
 * length announced, and each byte is copied a constant number of times whatever the sizes of the chunks.
 */
import { markShared } from '../shared-memory.js';
import { View } from '../view.js';

/** Size of the length in front of each message, bytes. */
export const HEADER = 4;

/** Smallest memory for a carried tail, bytes: a few tiny chunks do not each cost an allocation. */
const MIN_CARRY = 64;

const NOTHING = Buffer.alloc(0);
const NO_MEMORY = NOTHING.buffer;

export class FrameDecoder {
  /** Length announced by a header above `maxMessage`; -1 while the stream is legal. Nothing follows it. */
  oversized = -1;
  readonly #maxMessage: number;
  #chunk: Buffer = NOTHING;
  /** The chunk's memory and where it begins there: asking the chunk for each message costs what parsing one does. */
  #memory: ArrayBufferLike = NO_MEMORY;
  #offset = 0;
  /** The part of the chunk that is not parsed. */
  #at = 0;
  #end = 0;
  /** Front of a frame, header included, of which the rest is still to come; valid up to `#carried`. */
  #carry: Buffer = NOTHING;
  #carried = 0;

  constructor(maxMessage: number) {
    this.#maxMessage = maxMessage;
  }

  /** Bytes received that are part of no message taken yet. */
  get held(): number {
    return this.#carried + this.#end - this.#at;
  }

  /** Whether bytes wait that `next` has not looked at. */
  get hasUnparsed(): boolean {
    return this.#at !== this.#end;
  }

  /**
   * Offers the next bytes of the stream, which stay valid: messages are views of them. Those before must be
   * parsed: `next` returned `undefined`.
   */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#memory = markShared(chunk.buffer);
    this.#offset = chunk.byteOffset;
    this.#at = 0;
    this.#end = chunk.length;
  }

  /** The next whole message, or `undefined` until more bytes come. */
  next(): Buffer | undefined {
    if (this.#carried !== 0) return this.#resume();
    const chunk = this.#chunk;
    const at = this.#at;
    const body = at + HEADER;
    if (body > this.#end) return this.#keepTail();
    const size = lengthAt(chunk, at);
    if (!this.#admit(size)) return undefined;
    const end = body + size;
    if (end > this.#end) return this.#keepTail();
    this.#at = end;
    return new View(this.#memory, this.#offset + body, size);
  }

  /** Looks at the length of the next message, as soon as it is there, and takes nothing. */
  check(): void {
    if (this.#carried === 0 && this.#end - this.#at >= HEADER) this.#admit(lengthAt(this.#chunk, this.#at));
    else if (this.#carried === 0) this.#keepTail();
    else this.#completeHeader();
  }

  /** Forgets everything held. */
  clear(): void {
    this.#release();
    this.#carry = NOTHING;
    this.#carried = 0;
  }

  #admit(size: number): boolean {
    if (size <= this.#maxMessage) return true;
    this.oversized = size;
    this.clear();
    return false;
  }

  #release(): void {
    this.#chunk = NOTHING;
    this.#memory = NO_MEMORY;
    this.#at = this.#end = 0;
  }

  /** Carries what is left of the chunk. */
  #keepTail(): undefined {
    if (this.#at !== this.#end) {
      const tail = this.#chunk.subarray(this.#at, this.#end);
      // Most of the chunk: holding it whole costs less than a copy. A small tail must not pin it.
      const worthHolding = tail.length * 2 >= tail.buffer.byteLength;
      if (worthHolding) {
        this.#carry = tail;
        this.#carried = tail.length;
      } else this.#append(this.#chunk, this.#at, this.#end);
    }
    this.#release();
  }

  /** Goes on with the frame that began in an earlier chunk. */
  #resume(): Buffer | undefined {
    const size = this.#completeHeader();
    if (size === undefined) return undefined;
    const total = HEADER + size;
    // The rest of a frame is there or is not: only then is the whole length a reason to allocate it.
    if (this.#end - this.#at < total - this.#carried) {
      this.#take(this.#end - this.#at, total);
      return undefined;
    }
    this.#take(total - this.#carried, total);
    const message = new View(this.#carry.buffer, this.#carry.byteOffset + HEADER, size);
    this.#carry = NOTHING;
    this.#carried = 0;
    return message;
  }

  /** The length of the frame that began in an earlier chunk, once it is there and legal. */
  #completeHeader(): number | undefined {
    if (this.#carried < HEADER) this.#take(HEADER - this.#carried);
    if (this.#carried < HEADER) return undefined;
    const size = lengthAt(this.#carry, 0);
    return this.#admit(size) ? size : undefined;
  }

  /** Moves up to `count` bytes from the chunk behind the carried ones; `total` bounds the memory. */
  #take(count: number, total = MIN_CARRY): void {
    this.#at += this.#append(this.#chunk, this.#at, Math.min(this.#at + count, this.#end), total);
    if (this.#at === this.#end) this.#release();
  }

  /** Copies bytes behind the carried ones and says how many; `total` bounds the memory. */
  #append(bytes: Buffer, begin: number, end: number, total = MIN_CARRY): number {
    const used = this.#carried + end - begin;
    if (used > this.#carry.length) {
      // At least doubles, so that the copies stay linear, and stops at the frame's end.
      const room = Math.max(used, Math.min(this.#carry.length * 2, total), MIN_CARRY);
      const grown = room > MIN_CARRY ? Buffer.allocUnsafeSlow(room) : Buffer.allocUnsafe(room);
      this.#carry.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    bytes.copy(this.#carry, this.#carried, begin, end);
    this.#carried = used;
    return end - begin;
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
