/**
 * Messages that came while their link was paused, in order. They move to memory of their own: the slab that
 * they came in is hundreds of times their size, and one message keeps all of it.
 */
import { copyOf } from '../copy-of.js';

/** First and largest room for messages together, bytes: at most half of what is kept is not theirs. */
const MIN_ROOM = 512;
const MAX_ROOM = 32 * 1024;

/** What is held of a message. */
export interface HeldMessage {
  readonly payload: Buffer;
  readonly isText: boolean;
}

/** Who counts what is held. */
export interface HeldCount {
  keep(bytes: number): void;
}

export class Held {
  readonly #count: HeldCount;
  readonly #messages: (HeldMessage | undefined)[] = [];
  #next = 0;
  /** Where further messages go. */
  #room = Buffer.alloc(0);
  #roomBytes = MIN_ROOM / 2;

  constructor(count: HeldCount) {
    this.#count = count;
  }

  push(message: Buffer, isText: boolean): void {
    const { length, buffer } = message;
    const payload = length === buffer.byteLength ? message : this.#copy(message);
    this.#messages.push({ payload, isText });
    this.#count.keep(length);
  }

  get isEmpty(): boolean {
    return this.#next === this.#messages.length;
  }

  /** The next message; there must be one. */
  shift(): HeldMessage {
    const message = this.#messages[this.#next]!;
    this.#messages[this.#next] = undefined;
    this.#next += 1;
    this.#count.keep(-message.payload.length);
    return message;
  }

  clear(): void {
    while (!this.isEmpty) this.shift();
  }

  #copy(message: Buffer): Buffer {
    const { length } = message;
    if (length > this.#room.length) {
      this.#roomBytes = Math.min(2 * this.#roomBytes, MAX_ROOM);
      if (length > this.#roomBytes / 2) return copyOf(message);
      this.#room = Buffer.allocUnsafeSlow(this.#roomBytes);
    }
    const copy = this.#room.subarray(0, length);
    copy.set(message);
    this.#room = this.#room.subarray(length);
    return copy;
  }
}
