/**
 * What a link has accepted and not yet handed to its socket: a queue of segments for each class. High
 * overtakes normal overtakes low, whole message by whole message; within a class the order is kept.
 */
import type { ClassIndex } from '../link.js';
import { arena, type Segment } from './arena.js';
import type { Framing } from './framing.js';

/** First and largest memory of a backlog's segments: it doubles with the backlog. */
const MIN_OWN = 1024;
const MAX_OWN = 64 * 1024;

export class OutQueue {
  readonly #framing: Framing;
  readonly #heads: (Segment | undefined)[] = [undefined, undefined, undefined];
  readonly #tails: (Segment | undefined)[] = [undefined, undefined, undefined];

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  get isEmpty(): boolean {
    const heads = this.#heads;
    return heads[1] === undefined && heads[0] === undefined && heads[2] === undefined;
  }

  /** Copies a message in; false if no segment is open that it fits into. */
  append(payload: Uint8Array, size: number, cls: ClassIndex, isText: boolean): boolean {
    const segment = this.#tails[cls];
    if (segment === undefined) return false;
    const at = segment.used;
    const begin = at + this.#framing.headOf(size);
    if (begin + size > segment.limit) return false;
    this.#framing.begin(segment, at, size, isText);
    segment.memory.set(payload, begin);
    this.#added(segment, begin, size);
    return true;
  }

  /** Writes a string in as UTF-8 of `size` bytes; false if no segment is open that it fits into. */
  appendString(payload: string, size: number, cls: ClassIndex, isText: boolean): boolean {
    const segment = this.#tails[cls];
    if (segment === undefined) return false;
    const at = segment.used;
    const begin = at + this.#framing.headOf(size);
    if (begin + size > segment.limit) return false;
    this.#framing.begin(segment, at, size, isText);
    segment.memory.write(payload, begin, size, 'utf8');
    this.#added(segment, begin, size);
    return true;
  }

  #added(segment: Segment, begin: number, size: number): void {
    this.#framing.finish(segment, begin, size);
    segment.used = begin + size;
    segment.payload += size;
    segment.messages += 1;
  }

  /**
   * Opens a segment with room for a message of `size` bytes.
   * @param backlog Bytes that wait already, or `undefined` if this will be written at once: what waits has
   * memory of its own.
   */
  open(size: number, cls: ClassIndex, backlog: number | undefined): void {
    const need = this.#framing.headOf(size) + size;
    const segment =
      backlog === undefined
        ? arena.open(need)
        : arena.own(Math.max(need, Math.min(Math.max(backlog, MIN_OWN), MAX_OWN)));
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
