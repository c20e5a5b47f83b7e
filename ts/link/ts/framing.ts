/** What goes around a message on the wire, written where the message goes out from. */
import type { Segment } from './arena.js';

export interface Framing {
  /** The bytes of a message may be a while apart, with nothing else between them. */
  readonly isDivisible: boolean;
  /** Bytes in front of a payload of so many. */
  headOf(size: number): number;
  /** Writes them at `at`. */
  begin(segment: Segment, at: number, size: number, isText: boolean): void;
  /** The payload is in its place. */
  finish(segment: Segment, at: number, size: number): void;
}

/** Nothing: the payload is all there is. */
export const bare: Framing = {
  isDivisible: true,
  headOf: () => 0,
  begin() {},
  finish() {},
};

/** A 32-bit big-endian length in front. */
export const lengthPrefixed: Framing = {
  isDivisible: true,
  headOf: () => 4,
  begin: (segment, at, size) => segment.numbers.setUint32(at, size),
  finish() {},
};
