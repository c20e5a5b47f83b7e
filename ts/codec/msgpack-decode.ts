/**
 * Reads MessagePack: everything of its specification except extension types other than the timestamp,
 * with string or integer keys in maps. Anything malformed is an error.
 */
import { PayloadReader } from './payload-reader.js';
import { addEntry, checkDepth } from './structure.js';

const TIMESTAMP = -1;
const NANOSECONDS_PER_MS = 1_000_000;
const MAX_NANOSECONDS = 999_999_999;

/** The value of a payload. Byte strings are views of it. */
export function decodeMsgpack(payload: Buffer): unknown {
  const reader = new PayloadReader(payload);
  const value = item(reader, 0);
  reader.checkEnd();
  return value;
}

function item(reader: PayloadReader, depth: number): unknown {
  const type = reader.u8();
  if (type < 0x80) return type;
  if (type < 0x90) return map(reader, type & 0x0f, depth + 1);
  if (type < 0xa0) return array(reader, type & 0x0f, depth + 1);
  if (type < 0xc0) return reader.text(type & 0x1f);
  if (type >= 0xe0) return type - 0x100;
  return type >= 0xd9 || (type >= 0xc4 && type <= 0xc9) || (type >= 0xd4 && type <= 0xd8)
    ? sized(reader, type, depth)
    : scalar(reader, type);
}

function scalar(reader: PayloadReader, type: number): unknown {
  switch (type) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xca:
      return reader.f32();
    case 0xcb:
      return reader.f64();
    case 0xcc:
      return reader.u8();
    case 0xcd:
      return reader.u16();
    case 0xce:
      return reader.u32();
    case 0xcf:
      return reader.u64();
    case 0xd0:
      return reader.i8();
    case 0xd1:
      return reader.i16();
    case 0xd2:
      return reader.i32();
    case 0xd3:
      return reader.i64();
    default:
      throw new TypeError('malformed MessagePack: the type 0xc1 does not exist');
  }
}

/** Strings, bytes, arrays, maps and extensions with a length of their own. */
function sized(reader: PayloadReader, type: number, depth: number): unknown {
  switch (type) {
    case 0xc4:
      return reader.bytes(reader.u8());
    case 0xc5:
      return reader.bytes(reader.u16());
    case 0xc6:
      return reader.bytes(reader.u32());
    case 0xc7:
      return extension(reader, reader.u8());
    case 0xc8:
      return extension(reader, reader.u16());
    case 0xc9:
      return extension(reader, reader.u32());
    case 0xd9:
      return reader.text(reader.u8());
    case 0xda:
      return reader.text(reader.u16());
    case 0xdb:
      return reader.text(reader.u32());
    case 0xdc:
      return array(reader, reader.u16(), depth + 1);
    case 0xdd:
      return array(reader, reader.u32(), depth + 1);
    case 0xde:
      return map(reader, reader.u16(), depth + 1);
    case 0xdf:
      return map(reader, reader.u32(), depth + 1);
    default:
      // 0xd4 to 0xd8: extensions of 1, 2, 4, 8 and 16 bytes.
      return extension(reader, 1 << (type - 0xd4));
  }
}

function array(reader: PayloadReader, count: number, depth: number): unknown[] {
  checkDepth(depth);
  reader.checkCount(count, 1);
  const items: unknown[] = [];
  for (let index = 0; index < count; index++) items.push(item(reader, depth));
  return items;
}

function map(reader: PayloadReader, count: number, depth: number): Record<string, unknown> {
  checkDepth(depth);
  reader.checkCount(count, 2);
  const entries: Record<string, unknown> = {};
  for (let index = 0; index < count; index++) addEntry(entries, item(reader, depth), item(reader, depth));
  return entries;
}

function extension(reader: PayloadReader, length: number): Date {
  const type = reader.i8();
  if (type !== TIMESTAMP) throw new TypeError(`MessagePack extension type ${type} is not supported`);
  const { seconds, nanoseconds } = timestamp(reader, length);
  const date = new Date(Number(seconds) * 1_000 + Math.floor(nanoseconds / NANOSECONDS_PER_MS));
  if (nanoseconds > MAX_NANOSECONDS || Number.isNaN(date.getTime()))
    throw new RangeError('a date is out of range');
  return date;
}

function timestamp(reader: PayloadReader, length: number): { seconds: number | bigint; nanoseconds: number } {
  if (length === 4) return { seconds: reader.u32(), nanoseconds: 0 };
  if (length === 8) {
    // 30 bits of nanoseconds, then 34 of seconds.
    const high = reader.u32();
    return { seconds: (high & 3) * 2 ** 32 + reader.u32(), nanoseconds: high >>> 2 };
  }
  if (length !== 12) throw new TypeError(`malformed MessagePack: a timestamp of ${length} bytes`);
  const nanoseconds = reader.u32();
  return { seconds: reader.i64(), nanoseconds };
}
