/** What a link has received whole and does not deliver yet: it is paused, or a rate holds it back. */
import { MIN_COST } from '../min-cost.js';

/** A message of the peer. */
interface Received {
  readonly payload: Buffer;
  readonly isText: boolean;
}

export class Undelivered {
  #messages: Received[] = [];
  /** Where the first one that was not taken is in `#messages`. */
  #first = 0;
  #bytes = 0;

  /** What they count for; an empty message counts for something. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  push(payload: Buffer, isText: boolean): void {
    this.#messages.push({ payload, isText });
    this.#bytes += Math.max(payload.length, MIN_COST);
  }

  /** The first one, which is the caller's from now on. */
  take(): Received | undefined {
    if (this.isEmpty) return undefined;
    const message = this.#messages[this.#first];
    this.#first += 1;
    this.#bytes -= Math.max(message.payload.length, MIN_COST);
    // Those taken stay in front until half of all are: moving the rest up costs a constant for each then.
    if (this.#first * 2 >= this.#messages.length) {
      this.#messages.splice(0, this.#first);
      this.#first = 0;
    }
    return message;
  }

  clear(): void {
    this.#messages = [];
    this.#first = this.#bytes = 0;
  }
}
