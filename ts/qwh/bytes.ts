/** Numbers and texts in bytes, big-endian, on any runtime. */

const encoder = new TextEncoder();
/** A byte order mark is a character like any other here. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text, or `undefined` if it is not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

export function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

export function u32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | u16At(bytes, at + 2)) >>> 0;
}

export function u64At(bytes: Uint8Array, at: number): bigint {
  return (BigInt(u32At(bytes, at)) << 32n) | BigInt(u32At(bytes, at + 4));
}

export function u16(value: number): number[] {
  return [value >>> 8, value & 0xff];
}

export function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

export function u64(value: bigint): number[] {
  return [...u32(Number(value >> 32n)), ...u32(Number(value & 0xffff_ffffn))];
}

export function concat(...parts: ArrayLike<number>[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
