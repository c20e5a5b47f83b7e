/**
 * What a link has accepted and not yet handed to its socket: a queue of segments for each class. High
 * overtakes normal overtakes low, whole message by whole message; within a class the order is kept.
 */
import type { ClassIndex } from '../link.js';
import { arena, ownSegment, type Segment } from './arena.js';
import { HEADER } from './frame-decoder.js';

/** First and largest memory of a backlog's segments: it doubles with the backlog. */
const MIN_OWN = 1024;
const MAX_OWN = 64 * 1024;

export class OutQueue {
  readonly #header: number;
  readonly #heads: (Segment | undefined)[] = [undefined, undefined, undefined];
  readonly #tails: (Segment | undefined)[] = [undefined, undefined, undefined];

  /** @param framed Whether a length goes in front of each message. */
  constructor(framed: boolean) {
    this.#header = framed ? HEADER : 0;
  }

  get isEmpty(): boolean {
    const heads = this.#heads;
    return heads[1] === undefined && heads[0] === undefined && heads[2] === undefined;
  }

  /** Copies a message in; false if no segment is open that it fits into. */
  append(payload: Uint8Array, size: number, cls: ClassIndex): boolean {
    const segment = this.#tails[cls];
    if (segment === undefined) return false;
    const at = segment.used;
    const end = at + this.#header + size;
    if (end > segment.limit) return false;
    if (this.#header !== 0) segment.lengths.setUint32(at, size);
    segment.memory.set(payload, at + this.#header);
    segment.used = end;
    segment.messages += 1;
    return true;
  }

  /** Writes a string in as UTF-8 of at most `bound` bytes; gives its size, or -1 if no open segment has that room. */
  appendString(payload: string, bound: number, cls: ClassIndex): number {
    const segment = this.#tails[cls];
    if (segment === undefined) return -1;
    const at = segment.used;
    const begin = at + this.#header;
    if (begin + bound > segment.limit) return -1;
    const size = segment.memory.write(payload, begin, bound, 'utf8');
    if (this.#header !== 0) segment.lengths.setUint32(at, size);
    segment.used = begin + size;
    segment.messages += 1;
    return size;
  }

  /**
   * Opens a segment with room for a message of `size` bytes.
   * @param backlog Bytes that wait already, or `undefined` if this will be written at once: what waits has
   * memory of its own.
   */
  open(size: number, cls: ClassIndex, backlog: number | undefined): void {
    const need = this.#header + size;
    const segment =
      backlog === undefined
        ? arena.open(need)
        : ownSegment(Math.max(need, Math.min(Math.max(backlog, MIN_OWN), MAX_OWN)));
    const tail = this.#tails[cls];
    if (tail === undefined) this.#heads[cls] = segment;
    else tail.next = segment;
    this.#tails[cls] = segment;
  }

  /** Takes the segment that goes out next, if it has at most `max` bytes. */
  shift(max = Infinity): Segment | undefined {
    for (let cls = 0; cls < 3; cls += 1) {
      const segment = this.#heads[cls];
      if (segment === undefined) continue;
      if (segment.size > max) return undefined;
      if ((this.#heads[cls] = segment.next) === undefined) this.#tails[cls] = undefined;
      segment.next = undefined;
      arena.close(segment);
      return segment;
    }
    return undefined;
  }

  /** Drops everything. */
  clear(): void {
    for (let segment = this.shift(); segment !== undefined; segment = this.shift()) arena.release(segment);
  }
}
