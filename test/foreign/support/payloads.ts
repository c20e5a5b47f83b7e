/** What is sent to foreign programs and must come back; `peers/payloads.py` and the page have the same. */

export const TEXTS = ['', 'plain', 'Grüße aus dem 🕳️'];

/** Bytes of binary messages: around where the length takes another form, and one that needs many reads. */
export const SIZES = [0, 1, 125, 126, 65_535, 65_536, 1_048_576];

/** Messages sent at once, to see their order. */
export const SERIES = 1000;

export function bytes(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, at) => (at * 7) % 251));
}
