/** The sending half: fragments and control frames to records. */
import { u64 } from './bytes.js';
import { HEADER, Kind, MORE, classFlag, controlFrame, writeHeader } from './frame.js';
import { type GoAway, encodeGoAway } from './goaway.js';
import type { Carrier } from './handshake.js';
import { FRAGMENT, FULL_RECORD } from './limits.js';
import type { Fragment } from './scheduler.js';

/** Bytes of a record's length, on a stream. */
const LENGTH = 2;

/** Bytes of a message's size, in the first of several frames. */
const TOTAL = 4;

/** What a fragment takes at most, with the length of a record that begins with it. */
export const MAX_FRAGMENT = LENGTH + HEADER + TOTAL + FRAGMENT;

/**
 * Makes records of one connection's fragments: whole frames, as many as fit. It writes into memory of the caller,
 * which sees to it that there is room, and gives the place behind what it wrote.
 */
export class Encoder {
  readonly #carrier: Carrier;
  /** Where the body of the record that is not sealed begins; -1 if none is. */
  #open = -1;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  /** Adds a fragment of `message` to the open record, or to a new one, at `at`; takes `MAX_FRAGMENT` at most. */
  fragment(fragment: Fragment, message: Uint8Array, to: Uint8Array, at: number): number {
    const { from, to: end, total } = fragment;
    const isWhole = from === 0 && end === total;
    const payload = this.header(fragment, to, at);
    to.set(isWhole ? message : message.subarray(from, end), payload);
    return payload + end - from;
  }

  /** As `fragment` of a whole message of `size` bytes, which has no more than one. */
  whole(index: 0 | 1 | 2, message: Uint8Array, size: number, to: Uint8Array, at: number): number {
    const start = this.#begin(at);
    writeHeader(to, start, Kind.data, classFlag(index), size);
    to.set(message, start + HEADER);
    return start + HEADER + size;
  }

  /** As `fragment`, without the payload, which the caller writes to the place that this gives. */
  header({ class: index, from, to: end, total }: Fragment, to: Uint8Array, at: number): number {
    const start = this.#begin(at);
    const isLast = end === total;
    const announced = from === 0 && !isLast;
    const length = end - from + (announced ? TOTAL : 0);
    const kind = from === 0 ? Kind.data : Kind.cont;
    writeHeader(to, start, kind, classFlag(index) | (isLast ? 0 : MORE), length);
    if (!announced) return start + HEADER;
    to[start + HEADER] = total >>> 24;
    to[start + HEADER + 1] = total >>> 16;
    to[start + HEADER + 2] = total >>> 8;
    to[start + HEADER + 3] = total;
    return start + HEADER + TOTAL;
  }

  /** Adds a PING. */
  ping(opaque: bigint, to: Uint8Array, at: number): number {
    return this.#control(Kind.ping, u64(opaque), to, at);
  }

  /** Adds a PONG that nobody asked for: a sign of life of one who does not read. */
  pong(opaque: bigint, to: Uint8Array, at: number): number {
    return this.#control(Kind.pong, u64(opaque), to, at);
  }

  /** Adds the last frame. */
  goaway(goaway: GoAway, to: Uint8Array, at: number): number {
    return this.#control(Kind.goaway, encodeGoAway(goaway), to, at);
  }

  /** Whether the open record, which ends at `at`, should be sealed. */
  isFull(at: number): boolean {
    return this.#open >= 0 && at - this.#open >= FULL_RECORD;
  }

  /**
   * Ends the record that ends at `at`, if one is open. To be called before its memory is used otherwise, and on a
   * carrier of messages before the next record begins.
   */
  seal(to: Uint8Array, at: number): void {
    const start = this.#open;
    if (start >= 0 && this.#carrier === 'stream') {
      to[start - LENGTH] = (at - start) >>> 8;
      to[start - LENGTH + 1] = at - start;
    }
    this.#open = -1;
  }

  #control(kind: number, body: ArrayLike<number>, to: Uint8Array, at: number): number {
    if (this.isFull(at)) this.seal(to, at);
    const start = this.#begin(at);
    const frame = controlFrame(kind, body);
    to.set(frame, start);
    return start + frame.length;
  }

  /** Opens a record unless one is. */
  #begin(at: number): number {
    if (this.#open >= 0) return at;
    this.#open = this.#carrier === 'stream' ? at + LENGTH : at;
    return this.#open;
  }
}
