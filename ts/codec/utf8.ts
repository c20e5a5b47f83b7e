/** Strict UTF-8: what is not valid is refused, never repaired into replacement characters. */
import { isUtf8 } from 'node:buffer';

/** What a decoder writes for invalid bytes; legal text may contain it too. */
const REPLACEMENT = '\ufffd';

/** The text of a whole payload. */
export function textOf(payload: Buffer): string {
  return textAt(payload, 0, payload.length);
}

/** The text of a part of a payload. */
export function textAt(payload: Buffer, start: number, end: number): string {
  const text = payload.toString('utf8', start, end);
  // Looking for the trace of a repair is cheaper than checking all bytes beforehand.
  if (text.includes(REPLACEMENT) && !isUtf8(payload.subarray(start, end))) {
    throw new TypeError('the text is not valid UTF-8');
  }
  return text;
}
