/** Writing DER (X.690): as much of it as certificates need. Nothing here reads any. */

const TAG = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, sequence: 0x30, set: 0x31 };
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
/** UTCTime has two digits for the year: up to 2049 (RFC 5280, 4.1.2.5). */
const LAST_UTC_YEAR = 2049;

/** Tag, length, content. */
export function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(TAG.sequence, ...parts);
}

export function setOf(...parts: readonly Uint8Array[]): Buffer {
  return tagged(TAG.set, ...parts);
}

/** A number that is not negative, big-endian. */
export function integer(bytes: Uint8Array): Buffer {
  const isNegative = bytes[0] >= 0x80;
  return isNegative ? tagged(TAG.integer, Buffer.from([0]), bytes) : tagged(TAG.integer, bytes);
}

export function octets(bytes: Uint8Array): Buffer {
  return tagged(TAG.octets, bytes);
}

/** `unused` bits at the end do not count. */
export function bits(bytes: Uint8Array, unused = 0): Buffer {
  return tagged(TAG.bits, Buffer.from([unused]), bytes);
}

export function boolean(value: boolean): Buffer {
  return Buffer.from([0x01, 0x01, value ? 0xff : 0x00]);
}

export function utf8(text: string): Buffer {
  return tagged(TAG.utf8, Buffer.from(text));
}

/** An object identifier such as `2.5.4.3`. */
export function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number);
  return tagged(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

export function time(date: Date): Buffer {
  const text = `${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`;
  return date.getUTCFullYear() <= LAST_UTC_YEAR
    ? tagged(UTC_TIME, Buffer.from(text.slice(2)))
    : tagged(GENERALIZED_TIME, Buffer.from(text));
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function base128(number: number): number[] {
  const bytes = [number & 0x7f];
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}
