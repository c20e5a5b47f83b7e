/**
 * Reads CBOR (RFC 8949), the part that JavaScript values have: integers, floats, bytes, text, arrays, maps
 * with string or integer keys, dates (tags 0 and 1), true, false, null and undefined, of definite and
 * indefinite length. Any other tag or simple value is an error, and so is anything malformed.
 */
import { describe } from '../describe.js';
import { PayloadReader } from './payload-reader.js';
import { addEntry, checkDepth } from './structure.js';

const INDEFINITE = 31;
const BREAK = 0xff;
const BYTES = 2;
const TEXT = 3;
/** "This is CBOR": says nothing about the value in it. */
const SELF_DESCRIBED = 55_799;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/** The value of a payload. Byte strings are views of it. */
export function decodeCbor(payload: Buffer): unknown {
  const reader = new PayloadReader(payload);
  const value = item(reader, 0);
  reader.checkEnd();
  return value;
}

function item(reader: PayloadReader, depth: number): unknown {
  const initial = reader.u8();
  const info = initial & 0x1f;
  switch (initial >> 5) {
    case 0:
      return argument(reader, info);
    case 1:
      return negative(argument(reader, info));
    case BYTES:
      return info === INDEFINITE ? Buffer.concat(chunks<Buffer>(reader, BYTES)) : bytes(reader, info);
    case TEXT:
      return info === INDEFINITE ? chunks<string>(reader, TEXT).join('') : text(reader, info);
    case 4:
      return array(reader, info, depth + 1);
    case 5:
      return map(reader, info, depth + 1);
    case 6:
      return tagged(reader, argument(reader, info), depth + 1);
    default:
      return simple(reader, info);
  }
}

function argument(reader: PayloadReader, info: number): number | bigint {
  if (info < 24) return info;
  if (info === 24) return reader.u8();
  if (info === 25) return reader.u16();
  if (info === 26) return reader.u32();
  if (info === 27) return reader.u64();
  throw new TypeError(`malformed CBOR: additional information ${info}`);
}

function negative(argumentValue: number | bigint): number | bigint {
  const value = -1n - BigInt(argumentValue);
  return value >= Number.MIN_SAFE_INTEGER ? Number(value) : value;
}

function bytes(reader: PayloadReader, info: number): Buffer {
  return reader.bytes(reader.checkCount(argument(reader, info), 1));
}

function text(reader: PayloadReader, info: number): string {
  return reader.text(reader.checkCount(argument(reader, info), 1));
}

/** The parts of a string of indefinite length: definite strings of the same kind. */
function chunks<T>(reader: PayloadReader, major: typeof BYTES | typeof TEXT): T[] {
  const parts: unknown[] = [];
  while (!atBreak(reader)) {
    const initial = reader.u8();
    if (initial >> 5 !== major) throw new TypeError('malformed CBOR: a string has parts of another kind');
    parts.push((major === BYTES ? bytes : text)(reader, initial & 0x1f));
  }
  return parts as T[];
}

function array(reader: PayloadReader, info: number, depth: number): unknown[] {
  checkDepth(depth);
  const items: unknown[] = [];
  if (info === INDEFINITE) {
    while (!atBreak(reader)) items.push(item(reader, depth));
    return items;
  }
  const count = reader.checkCount(argument(reader, info), 1);
  for (let index = 0; index < count; index++) items.push(item(reader, depth));
  return items;
}

function map(reader: PayloadReader, info: number, depth: number): Record<string, unknown> {
  checkDepth(depth);
  const entries: Record<string, unknown> = {};
  if (info === INDEFINITE) {
    while (!atBreak(reader)) addEntry(entries, item(reader, depth), item(reader, depth));
    return entries;
  }
  const count = reader.checkCount(argument(reader, info), 2);
  for (let index = 0; index < count; index++) addEntry(entries, item(reader, depth), item(reader, depth));
  return entries;
}

/** Takes the end mark of an item of indefinite length, where it is next. */
function atBreak(reader: PayloadReader): boolean {
  if (reader.peek() !== BREAK) return false;
  reader.u8();
  return true;
}

function tagged(reader: PayloadReader, tag: number | bigint, depth: number): unknown {
  checkDepth(depth);
  const value = item(reader, depth);
  if (tag === SELF_DESCRIBED) return value;
  if (tag === 0 && typeof value === 'string' && RFC_3339.test(value)) return date(Date.parse(value));
  if (tag === 1 && typeof value === 'number') return date(Math.round(value * 1_000));
  throw new TypeError(`CBOR tag ${tag} with ${describe(value)} is not supported`);
}

function date(milliseconds: number): Date {
  const value = new Date(milliseconds);
  if (Number.isNaN(value.getTime())) throw new RangeError('a date is out of range');
  return value;
}

function simple(reader: PayloadReader, info: number): unknown {
  switch (info) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
      return null;
    case 23:
      return undefined;
    case 25:
      return half(reader.u16());
    case 26:
      return reader.f32();
    case 27:
      return reader.f64();
    case INDEFINITE:
      throw new TypeError('malformed CBOR: a break where an item must be');
    default:
      throw new TypeError('a CBOR simple value that is not supported');
  }
}

/** A float of 16 bits: sign, five bits of exponent, ten of mantissa. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (mantissa + 0x400) * 2 ** (exponent - 25);
}
