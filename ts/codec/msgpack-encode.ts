/**
 * Writes MessagePack: integers in the shortest form, other numbers as 64-bit floats, dates as the timestamp
 * extension, entries in the order of the object.
 */
import { describe } from '../describe.js';
import { utf8Length, withWriter, type PayloadWriter } from './payload-writer.js';
import { bytesOf, checkDepth, entriesOf } from './structure.js';

const [NIL, FALSE, TRUE, DOUBLE] = [0xc0, 0xc2, 0xc3, 0xcb];
const [UINT8, UINT16, UINT32, UINT64] = [0xcc, 0xcd, 0xce, 0xcf];
const [INT8, INT16, INT32, INT64] = [0xd0, 0xd1, 0xd2, 0xd3];
const [FIXEXT4, FIXEXT8, EXT8] = [0xd6, 0xd7, 0xc7];
/** Extension type -1. */
const TIMESTAMP = 0xff;
const MIN_I64 = -(2n ** 63n);
const MAX_U64 = 2n ** 64n - 1n;

/** The types of a kind by the width of their length; `fix` holds lengths below `fixed` itself. */
interface Sized {
  readonly fix: number;
  readonly fixed: number;
  /** Absent where there is no form with a length of one byte. */
  readonly len8?: number;
  readonly len16: number;
  readonly len32: number;
}

const TEXT: Sized = { fix: 0xa0, fixed: 32, len8: 0xd9, len16: 0xda, len32: 0xdb };
const BYTES: Sized = { fix: 0, fixed: 0, len8: 0xc4, len16: 0xc5, len32: 0xc6 };
const ARRAY: Sized = { fix: 0x90, fixed: 16, len16: 0xdc, len32: 0xdd };
const MAP: Sized = { fix: 0x80, fixed: 16, len16: 0xde, len32: 0xdf };

/** The payload of a value. */
export function encodeMsgpack(value: unknown): Buffer {
  // Within arrays undefined becomes nil, as in JSON; alone it is a mistake.
  if (value === undefined) throw new TypeError('MessagePack has no form for undefined');
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
      return writer.u8(NIL);
    case 'bigint':
      return bigint(writer, value);
    case 'object':
      return value === null ? writer.u8(NIL) : object(writer, value, depth + 1);
    default:
      throw new TypeError(`MessagePack has no form for ${describe(value)}`);
  }
}

function head(writer: PayloadWriter, { fix, fixed, len8, len16, len32 }: Sized, length: number): void {
  if (length < fixed) writer.u8(fix | length);
  else if (length < 0x100 && len8 !== undefined) writer.u8u8(len8, length);
  else if (length < 0x10000) writer.u8u16(len16, length);
  else writer.u8u32(len32, length);
}

function text(writer: PayloadWriter, value: string): void {
  const length = utf8Length(value);
  head(writer, TEXT, length);
  writer.text(value, length);
}

function number(writer: PayloadWriter, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) writer.u8f64(DOUBLE, value);
  else if (value >= 0) unsigned(writer, value);
  else signed(writer, value);
}

function unsigned(writer: PayloadWriter, value: number): void {
  if (value < 0x80) writer.u8(value);
  else if (value < 0x100) writer.u8u8(UINT8, value);
  else if (value < 0x10000) writer.u8u16(UINT16, value);
  else if (value < 0x1_0000_0000) writer.u8u32(UINT32, value);
  else writer.u8u64(UINT64, BigInt(value));
}

/** Negative numbers; the writer takes them in two's complement. */
function signed(writer: PayloadWriter, value: number): void {
  if (value >= -0x20) writer.u8(value & 0xff);
  else if (value >= -0x80) writer.u8u8(INT8, value & 0xff);
  else if (value >= -0x8000) writer.u8u16(INT16, value & 0xffff);
  else if (value >= -0x8000_0000) writer.u8u32(INT32, value >>> 0);
  else writer.u8u64(INT64, BigInt.asUintN(64, BigInt(value)));
}

function bigint(writer: PayloadWriter, value: bigint): void {
  if (value < MIN_I64 || value > MAX_U64) throw new RangeError('a bigint does not fit into 64 bits');
  if (Number.isSafeInteger(Number(value))) number(writer, Number(value));
  else writer.u8u64(value < 0n ? INT64 : UINT64, BigInt.asUintN(64, value));
}

function object(writer: PayloadWriter, value: object, depth: number): void {
  checkDepth(depth);
  if (Array.isArray(value)) {
    head(writer, ARRAY, value.length);
    // By index, so that a hole is written as nil.
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

/** The shortest of the three forms of a timestamp. */
function date(writer: PayloadWriter, value: Date): void {
  const milliseconds = value.getTime();
  if (Number.isNaN(milliseconds)) throw new RangeError('an invalid date has no form');
  const seconds = Math.floor(milliseconds / 1_000);
  const nanoseconds = (milliseconds - seconds * 1_000) * 1_000_000;
  if (nanoseconds === 0 && seconds >= 0 && seconds < 2 ** 32) {
    writer.u8(FIXEXT4);
    writer.u8u32(TIMESTAMP, seconds);
  } else if (seconds >= 0 && seconds < 2 ** 34) {
    writer.u8(FIXEXT8);
    writer.u8u64(TIMESTAMP, (BigInt(nanoseconds) << 34n) | BigInt(seconds));
  } else {
    writer.u8u8(EXT8, 12);
    writer.u8u32(TIMESTAMP, nanoseconds);
    writer.bytes(i64(seconds));
  }
}

function i64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
