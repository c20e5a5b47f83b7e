/** A message that is put together in memory of its own: it comes in fragments, or is cut by the end of a chunk. */
import { CloseCode } from '../close-codes.js';
import { Fault, protocolFault } from './fault.js';
import { FRAGMENT } from './limits.js';

export class Reassembly {
  /** Size of the message, as announced. */
  readonly total: number;
  #bytes = new Uint8Array(0);
  #length = 0;
  #fragments = 1;
  /** What comes is counted and not kept. */
  readonly isVoid: boolean;

  /** Memory follows the bytes that come, not `total`. */
  constructor(total: number, isVoid = false) {
    this.total = total;
    this.isVoid = isVoid;
  }

  /** Bytes that came. */
  get length(): number {
    return this.#length;
  }

  /** Another frame of `length` bytes begins. */
  announce(length: number, hasMore: boolean, maxFragments: number): void {
    this.#fragments += 1;
    if (this.#fragments > Math.max(maxFragments, Math.ceil(this.total / FRAGMENT)))
      throw new Fault(CloseCode.rate_limited, 'a message has too many fragments');
    checkFragment(length, hasMore, this.total - this.#length);
  }

  push(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (!this.isVoid) this.#keep(bytes, needed);
    this.#length = needed;
  }

  #keep(bytes: Uint8Array, needed: number): void {
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.total, Math.max(needed, 2 * this.#bytes.length)));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
  }

  /** All of it, once `total` bytes came. */
  finish(): Uint8Array {
    return this.#bytes;
  }
}

/** Whether a fragment of `length` bytes may come where `missing` are: the last brings all, one before it some. */
export function checkFragment(length: number, hasMore: boolean, missing: number): void {
  if (hasMore && length === 0) throw protocolFault('a fragment is empty');
  if (length > missing || (hasMore && length === missing))
    throw protocolFault('a message is longer than announced');
  if (!hasMore && length < missing) throw protocolFault('a message is shorter than announced');
}
