/**
 * Bytes to messages, for the length-prefixed protocol: a 32-bit big-endian length, then the payload.
 *
 * It is pulled: `push` gives it a chunk, `next` takes one message after the other, so that whoever pulls
 * may stop at any message and go on later. Messages that lie whole in a chunk are views of it. What is
 * cut off at the end of a chunk is carried (`carry.ts`).
 */
import { markShared } from '../shared-memory.js';
import { View } from '../view.js';
import { Carry } from './carry.js';

/** Size of the length in front of each message, bytes. */
export const HEADER = 4;

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
  /** Front of a frame, header included. */
  readonly #carry = new Carry();

  constructor(maxMessage: number) {
    this.#maxMessage = maxMessage;
  }

  /** Bytes received that are part of no message taken yet. */
  get held(): number {
    return this.#carry.length + this.#end - this.#at;
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
    if (this.#carry.length !== 0) return this.#resume();
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
    if (this.#carry.length === 0 && this.#end - this.#at >= HEADER)
      this.#admit(lengthAt(this.#chunk, this.#at));
    else if (this.#carry.length === 0) this.#keepTail();
    else this.#completeHeader();
  }

  /** Forgets everything held. */
  clear(): void {
    this.#release();
    this.#carry.clear();
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
    if (this.#at !== this.#end) this.#carry.keep(this.#chunk, this.#at, this.#end);
    this.#release();
  }

  /** Goes on with the frame that began in an earlier chunk. */
  #resume(): Buffer | undefined {
    const size = this.#completeHeader();
    if (size === undefined) return undefined;
    const carry = this.#carry;
    const total = HEADER + size;
    // The rest of a frame is there or is not: only then is the whole length a reason to allocate it.
    const isWhole = this.#end - this.#at >= total - carry.length;
    this.#take(isWhole ? total - carry.length : this.#end - this.#at, total);
    if (!isWhole) return undefined;
    const message = new View(carry.bytes.buffer, carry.bytes.byteOffset + HEADER, size);
    carry.clear();
    return message;
  }

  /** The length of the frame that began in an earlier chunk, once it is there and legal. */
  #completeHeader(): number | undefined {
    const carry = this.#carry;
    if (carry.length < HEADER) this.#take(HEADER - carry.length, HEADER);
    if (carry.length < HEADER) return undefined;
    const size = lengthAt(carry.bytes, 0);
    return this.#admit(size) ? size : undefined;
  }

  /** Moves up to `count` bytes from the chunk behind the carried ones; `total` bounds the memory. */
  #take(count: number, total: number): void {
    const begin = this.#at;
    this.#at = Math.min(begin + count, this.#end);
    this.#carry.append(this.#chunk, begin, this.#at, total);
    if (this.#at === this.#end) this.#release();
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
