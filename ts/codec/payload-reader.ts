/** Reads a payload from its start; every read is checked against its end. All numbers are big-endian. */
import { textAt } from './utf8.js';

/** Below this, building a string byte by byte beats the call into the engine's decoder. */
const SHORT_TEXT = 16;

export class PayloadReader {
  readonly #payload: Buffer;
  #position = 0;

  constructor(payload: Buffer) {
    this.#payload = payload;
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.#payload.length - this.#position;
  }

  /** The next byte without taking it. */
  peek(): number {
    return this.#payload[this.#need(1) - 1];
  }

  u8(): number {
    const at = this.#need(1);
    this.#position = at;
    return this.#payload[at - 1];
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    return this.#payload.readUInt16BE(this.#take(2));
  }

  i16(): number {
    return this.#payload.readInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#payload.readUInt32BE(this.#take(4));
  }

  i32(): number {
    return this.#payload.readInt32BE(this.#take(4));
  }

  /** A number where that is exact, else a bigint. */
  u64(): number | bigint {
    return exact(this.#payload.readBigUInt64BE(this.#take(8)));
  }

  /** A number where that is exact, else a bigint. */
  i64(): number | bigint {
    return exact(this.#payload.readBigInt64BE(this.#take(8)));
  }

  f32(): number {
    return this.#payload.readFloatBE(this.#take(4));
  }

  f64(): number {
    return this.#payload.readDoubleBE(this.#take(8));
  }

  /** A view of the payload. */
  bytes(length: number): Buffer {
    const start = this.#take(length);
    return this.#payload.subarray(start, start + length);
  }

  /** Valid UTF-8 only. */
  text(length: number): string {
    const start = this.#take(length);
    const end = start + length;
    if (length >= SHORT_TEXT) return textAt(this.#payload, start, end);
    let text = '';
    for (let at = start; at < end; at++) {
      const byte = this.#payload[at];
      if (byte >= 0x80) return textAt(this.#payload, start, end);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** Refuses a count of items, each of at least `size` bytes, that cannot all be there: before any memory is taken. */
  checkCount(count: number | bigint, size: number): number {
    if (count > this.left / size) throw truncated();
    return Number(count);
  }

  /** Nothing may follow the message. */
  checkEnd(): void {
    if (this.left > 0) throw new RangeError(`${this.left} bytes follow the message`);
  }

  #take(length: number): number {
    const start = this.#position;
    this.#position = this.#need(length);
    return start;
  }

  /** The position after `length` bytes more. */
  #need(length: number): number {
    const end = this.#position + length;
    if (end > this.#payload.length) throw truncated();
    return end;
  }
}

function truncated(): RangeError {
  return new RangeError('the payload ends too early');
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
