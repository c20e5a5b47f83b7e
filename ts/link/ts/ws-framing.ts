/** One whole frame of WebSocket around each message (RFC 6455, section 5.2), as a server and as a client sends it. */
import { randomFillSync } from 'node:crypto';
import type { Segment } from './arena.js';
import type { Framing } from './framing.js';
import type { MaskKey } from './ws-mask.js';

/** First byte: the whole message, and its kind. */
const TEXT = 0x81;
const BINARY = 0x82;
/** Of the second byte. */
const MASKED = 0x80;
/** Longest payload whose length is in the second byte, and in the two behind it. */
const MAX_SHORT = 125;
const MAX_MEDIUM = 0xffff;

/** Bytes of a masking key. */
const KEY = 4;

/** Random keys are made so many at a time: asking for one costs what a small message does. */
const keys = new Int32Array(1024);
let nextKey = keys.length;

function freshKey(): MaskKey {
  if (nextKey === keys.length) {
    randomFillSync(keys);
    nextKey = 0;
  }
  return keys[nextKey++];
}

function headOf(size: number): number {
  if (size <= MAX_SHORT) return 2;
  return size <= MAX_MEDIUM ? 4 : 10;
}

function begin({ numbers }: Segment, at: number, size: number, isText: boolean, masked: number): void {
  const first = (isText ? TEXT : BINARY) << 8;
  if (size <= MAX_SHORT) return numbers.setUint16(at, first | masked | size);
  if (size <= MAX_MEDIUM) {
    numbers.setUint16(at, first | masked | 126);
    return numbers.setUint16(at + 2, size);
  }
  numbers.setUint16(at, first | masked | 127);
  // No message is longer than 1 GiB.
  numbers.setUint32(at + 2, 0);
  numbers.setUint32(at + 6, size);
}

/** The package sends control frames by itself, so nothing may be between the bytes of a message. */
const isDivisible = false;

export const serverFrames: Framing = {
  isDivisible,
  headOf,
  begin: (segment, at, size, isText) => begin(segment, at, size, isText, 0),
  finish() {},
};

export const clientFrames: Framing = {
  isDivisible,
  headOf: (size) => headOf(size) + KEY,
  begin: (segment, at, size, isText) => begin(segment, at, size, isText, MASKED),
  finish(segment, at, size) {
    const key = freshKey();
    segment.numbers.setInt32(at - KEY, key, true);
    segment.maskable.mask(at, at + size, key);
  },
};
