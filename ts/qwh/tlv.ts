/** Type, length, value: `u8 type, u16 length, value`, in ascending order of types, none twice. */
import { concat, u16, u16At } from './bytes.js';
import type { Fault } from './fault.js';

/** Bytes before the value. */
const HEAD = 3;

/** One of a sequence. */
export interface Tlv {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Reads a whole sequence; a mistake is thrown as what `fault` makes of it. */
export function* readTlvs(bytes: Uint8Array, fault: (reason: string) => Fault): Generator<Tlv> {
  let least = 0;
  for (let at = 0; at < bytes.length;) {
    const start = at + HEAD;
    const end = start + u16At(bytes, at + 1);
    if (start > bytes.length || end > bytes.length) throw fault('a TLV is cut short');
    const type = bytes[at];
    if (type < least) throw fault('TLVs are not in ascending order');
    least = type + 1;
    at = end;
    yield { type, value: bytes.subarray(start, end) };
  }
}

/** Whether a type that is not known may be passed over. */
export function isIgnorable(type: number): boolean {
  return type % 2 === 1;
}

/** A TLV; values are of at most 65,535 bytes, which their limits see to. */
export function tlv(type: number, value: ArrayLike<number>): Uint8Array {
  return concat([type, ...u16(Math.min(value.length, 0xffff))], value);
}
