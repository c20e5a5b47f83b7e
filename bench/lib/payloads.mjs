/** Messages that can be checked byte by byte, in order, without keeping a copy of any. */

/** Smallest message, bytes: its number must fit. */
export const MIN_SIZE = 4;

/** Messages that follow each other differ in every byte, so that one mistaken for another is noticed. */
const PATTERNS = 8;
const STEP = 31;

export class Payloads {
  #patterns;

  /** @param {number} size bytes of every message, at least `MIN_SIZE` */
  constructor(size) {
    this.#patterns = Array.from({ length: PATTERNS }, (_, pattern) =>
      Buffer.from(Uint8Array.from({ length: size }, (__, at) => at * 7 + pattern * STEP)),
    );
  }

  /** Message `number`; its memory is used again by later ones. */
  message(number) {
    const message = this.#patterns[number % PATTERNS];
    message.writeUInt32BE(number >>> 0, 0);
    return message;
  }

  /** Throws unless `received` is message `number`. */
  check(received, number) {
    const expected = this.message(number);
    if (expected.equals(received)) return;
    throw new Error(`wrong message where number ${number} was due: ${difference(received, expected)}`);
  }
}

function difference(received, expected) {
  if (received.length !== expected.length) {
    return `it has ${received.length} bytes instead of ${expected.length}`;
  }
  const number = received.readUInt32BE(0);
  return number === expected.readUInt32BE(0) ? 'some of its bytes are others' : `it is number ${number}`;
}
