/**
 * Writes CBOR (RFC 8949): integers in the shortest form, floats in 32 bits where that loses nothing, dates
 * as tag 1, entries in the order of the object, all lengths definite.
 */
import { describe } from '../describe.js';
import { utf8Length, withWriter, type PayloadWriter } from './payload-writer.js';
import { bytesOf, checkDepth, entriesOf } from './structure.js';

/** Major types, shifted to where the initial byte has them. */
const UNSIGNED = 0x00;
const NEGATIVE = 0x20;
const BYTES = 0x40;
const TEXT = 0x60;
const ARRAY = 0x80;
const MAP = 0xa0;
const TAG = 0xc0;
const [FALSE, TRUE, NULL, UNDEFINED] = [0xf4, 0xf5, 0xf6, 0xf7];
const [HALF, FLOAT, DOUBLE] = [0xf9, 0xfa, 0xfb];
const HALF_NAN = 0x7e00;
const EPOCH_SECONDS = 1;
const MAX_U64 = 2n ** 64n - 1n;

/** The payload of a value. */
export function encodeCbor(value: unknown): Buffer {
  return withWriter((writer) => item(writer, value, 0));
}

function item(writer: PayloadWriter, value: unknown, depth: number): void {
  switch (typeof value) {
    case 'string':
      return text(writer, value);
    case 'number':
      return number(writer, value);
    case 'boolean':
      return writer.u8(value ? TRUE : FALSE);
    case 'undefined':
      return writer.u8(UNDEFINED);
    case 'bigint':
      return bigint(writer, value);
    case 'object':
      return value === null ? writer.u8(NULL) : object(writer, value, depth + 1);
    default:
      throw new TypeError(`CBOR has no form for ${describe(value)}`);
  }
}

/** The initial byte and its argument. */
function head(writer: PayloadWriter, major: number, argument: number): void {
  if (argument < 24) writer.u8(major | argument);
  else if (argument < 0x100) writer.u8u8(major | 24, argument);
  else if (argument < 0x10000) writer.u8u16(major | 25, argument);
  else if (argument < 0x1_0000_0000) writer.u8u32(major | 26, argument);
  else writer.u8u64(major | 27, BigInt(argument));
}

function text(writer: PayloadWriter, value: string): void {
  const length = utf8Length(value);
  head(writer, TEXT, length);
  writer.text(value, length);
}

function number(writer: PayloadWriter, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    if (value >= 0) head(writer, UNSIGNED, value);
    else head(writer, NEGATIVE, -1 - value);
  } else if (Number.isNaN(value)) writer.u8u16(HALF, HALF_NAN);
  else if (Math.fround(value) === value) writer.u8f32(FLOAT, value);
  else writer.u8f64(DOUBLE, value);
}

function bigint(writer: PayloadWriter, value: bigint): void {
  const [major, argument] = value >= 0n ? [UNSIGNED, value] : [NEGATIVE, -1n - value];
  if (argument > MAX_U64) throw new RangeError('a bigint does not fit into 64 bits');
  if (argument <= Number.MAX_SAFE_INTEGER) head(writer, major, Number(argument));
  else writer.u8u64(major | 27, argument);
}

function object(writer: PayloadWriter, value: object, depth: number): void {
  checkDepth(depth);
  if (Array.isArray(value)) {
    head(writer, ARRAY, value.length);
    // By index, so that a hole is written as undefined.
    for (let index = 0; index < value.length; index++) item(writer, value[index], depth);
    return;
  }
  if (value instanceof Date) return date(writer, value);
  const bytes = bytesOf(value);
  if (bytes !== undefined) {
    head(writer, BYTES, bytes.byteLength);
    return writer.bytes(bytes);
  }
  const entries = entriesOf(value);
  head(writer, MAP, entries.length);
  for (const [key, inner] of entries) {
    text(writer, key);
    item(writer, inner, depth);
  }
}

function date(writer: PayloadWriter, value: Date): void {
  const milliseconds = value.getTime();
  if (Number.isNaN(milliseconds)) throw new RangeError('an invalid date has no form');
  head(writer, TAG, EPOCH_SECONDS);
  number(writer, milliseconds / 1_000);
}
