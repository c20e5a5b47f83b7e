/** Builds a payload in memory that is used again and again. All numbers are big-endian. */

const INITIAL_SIZE = 4_096;
/** A writer that a large message made grow beyond this is not kept. */
const KEPT_SIZE = 1_048_576;
/** Up to this, such as for most keys, a loop over the characters beats a call into the engine's encoder. */
const SHORT_TEXT = 24;

/** The size of a text in UTF-8, bytes. */
export function utf8Length(text: string): number {
  if (text.length > SHORT_TEXT) return Buffer.byteLength(text);
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) >= 0x80) return Buffer.byteLength(text);
  }
  return text.length;
}

export class PayloadWriter {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_SIZE);
  #length = 0;

  u8(value: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  /** A byte and a number behind it: most items start so. */
  u8u8(first: number, value: number): void {
    const at = this.#grow(2);
    this.#bytes[at] = first;
    this.#bytes[at + 1] = value;
  }

  u8u16(first: number, value: number): void {
    const at = this.#grow(3);
    this.#bytes[at] = first;
    this.#bytes.writeUInt16BE(value, at + 1);
  }

  u8u32(first: number, value: number): void {
    const at = this.#grow(5);
    this.#bytes[at] = first;
    this.#bytes.writeUInt32BE(value, at + 1);
  }

  u8u64(first: number, value: bigint): void {
    const at = this.#grow(9);
    this.#bytes[at] = first;
    this.#bytes.writeBigUInt64BE(value, at + 1);
  }

  u8f32(first: number, value: number): void {
    const at = this.#grow(5);
    this.#bytes[at] = first;
    this.#bytes.writeFloatBE(value, at + 1);
  }

  u8f64(first: number, value: number): void {
    const at = this.#grow(9);
    this.#bytes[at] = first;
    this.#bytes.writeDoubleBE(value, at + 1);
  }

  bytes(value: Uint8Array): void {
    const at = this.#grow(value.byteLength);
    this.#bytes.set(value, at);
  }

  /** `length` is the size of the text as `utf8Length` tells. */
  text(value: string, length: number): void {
    const at = this.#grow(length);
    // As many bytes as characters: all of them are ASCII.
    if (length > SHORT_TEXT || length !== value.length) this.#bytes.write(value, at, length, 'utf8');
    else for (let index = 0; index < length; index++) this.#bytes[at + index] = value.charCodeAt(index);
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  /** Starts anew; false when this writer holds too much memory to be kept. */
  reset(): boolean {
    this.#length = 0;
    return this.#bytes.length <= KEPT_SIZE;
  }

  /** Makes room for more bytes and returns where they go. */
  #grow(size: number): number {
    const at = this.#length;
    this.#length = at + size;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}

let spare: PayloadWriter | undefined;

/** Lends a writer; a getter of a message that sends a message itself gets another one. */
export function withWriter(write: (writer: PayloadWriter) => void): Buffer {
  const writer = spare ?? new PayloadWriter();
  spare = undefined;
  try {
    write(writer);
    return writer.copy();
  } finally {
    if (writer.reset()) spare = writer;
  }
}
