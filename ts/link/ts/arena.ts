/**
 * Memory for outgoing bytes between `send` and the kernel.
 *
 * Nearly every write is taken by the kernel at once, so the same few kilobytes serve all links over and
 * over: a segment is opened at the slab's end, filled, written and given back, and the slab's end falls
 * back to where it began. What the kernel does not take stays where it is until it does; links with a
 * backlog queue in memory of their own, so that a slow link pins little of what the others share.
 */

import { View } from '../view.js';
import { Maskable } from './ws-mask.js';

/** One slab serves several links per tick; larger ones leave the processor's second-level cache. */
const SLAB = 256 * 1024;

/** A full segment is handed over at once; larger messages get memory of their own. */
const SEGMENT = 128 * 1024;

/** Emptied slabs kept for the next burst. */
const MAX_SPARE = 4;

/** The same of memory of one's own, from this size on: fresh pages cost as much as the copy into them. */
const LARGE = 16 * 1024;
const MAX_LARGE = 4;

/** Shared memory, or that of one segment. */
class Slab {
  readonly memory: Buffer;
  readonly buffer: ArrayBufferLike;
  /** Writes a length in one store; four byte stores cost as much as the copy of a small message. */
  readonly numbers: DataView;
  #maskable: Maskable | undefined;
  /** Where the next segment begins. */
  end = 0;
  /** Segments not given back. */
  live = 0;

  constructor(size: number) {
    this.memory = Buffer.allocUnsafeSlow(size);
    this.buffer = this.memory.buffer;
    this.numbers = new DataView(this.buffer);
  }

  get maskable(): Maskable {
    return (this.#maskable ??= new Maskable(this.memory));
  }
}

/** Whole messages, one after the other, as they go out. */
export class Segment {
  messages = 0;
  next: Segment | undefined;
  readonly memory: Buffer;
  readonly numbers: DataView;
  /** Bytes of the messages themselves that are not written out. */
  payload = 0;
  /** End of what is written into it. */
  used: number;

  constructor(
    readonly slab: Slab,
    readonly isShared: boolean,
    /** Begin of what is not written out. */
    public start: number,
    /** End of what may be written into it. */
    public limit: number,
  ) {
    this.memory = slab.memory;
    this.numbers = slab.numbers;
    this.used = start;
  }

  get maskable(): Maskable {
    return this.slab.maskable;
  }

  /** Bytes not written out. */
  get size(): number {
    return this.used - this.start;
  }

  /** The first of these bytes, `length` of them. */
  view(length: number): Buffer {
    return new View(this.slab.buffer, this.start, length);
  }
}

export class Arena {
  #slab: Slab | undefined;
  /** The one segment that may still grow into the slab's free end. */
  #top: Segment | undefined;
  readonly #spare: Slab[] = [];
  readonly #large: Slab[] = [];

  /** A segment with room for `need` bytes, which grows until another is opened or it is closed. */
  open(need: number): Segment {
    if (need > SEGMENT) return this.own(need);
    if (this.#top !== undefined) this.close(this.#top);
    let slab = this.#slab;
    if (slab === undefined || slab.end + need > SLAB) {
      slab = this.#slab = this.#spare.pop() ?? new Slab(SLAB);
    }
    slab.live += 1;
    return (this.#top = new Segment(slab, true, slab.end, Math.min(slab.end + SEGMENT, SLAB)));
  }

  /** A segment in memory of its own. */
  own(size: number): Segment {
    const last = this.#large.at(-1);
    // Not much larger: a queue takes no more memory than is counted for it.
    const fits = last !== undefined && last.memory.length >= size && last.memory.length <= 1.25 * size;
    const slab = fits ? this.#large.pop()! : new Slab(size);
    return new Segment(slab, false, 0, slab.memory.length);
  }

  /** Ends the growth of a segment. */
  close(segment: Segment): void {
    segment.limit = segment.used;
    if (segment !== this.#top) return;
    this.#top = undefined;
    segment.slab.end = segment.used;
  }

  /** Takes back a segment whose bytes nobody needs any more. */
  release(segment: Segment): void {
    this.close(segment);
    const { slab } = segment;
    if (!segment.isShared) return this.#keep(slab);
    slab.live -= 1;
    if (slab.live !== 0) {
      if (segment.used === slab.end) slab.end = segment.start;
      return;
    }
    slab.end = 0;
    if (slab !== this.#slab && this.#spare.length < MAX_SPARE) this.#spare.push(slab);
  }

  /** The latest are kept: what goes out is mostly of like sizes. */
  #keep(slab: Slab): void {
    if (slab.memory.length < LARGE || slab.memory.length > SEGMENT) return;
    this.#large.push(slab);
    if (this.#large.length > MAX_LARGE) this.#large.shift();
  }
}

/** One per environment: all links share it. */
export const arena = new Arena();
