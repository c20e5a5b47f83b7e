/**
 * Text from a peer, made fit to be seen: nothing in it moves a cursor, changes a colour, sets a title or turns
 * the reading direction. Letters of all scripts and emoji stay as they are.
 */
import { isUtf8 } from 'node:buffer';

/**
 * Controls, invisible and direction-changing characters, line separators, lone surrogates. The tab stays, and so
 * do the two joiners (U+200C, U+200D), which scripts and emoji need.
 */
const UNSAFE = /(?![\t\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const UNSAFE_EXCEPT_NEWLINE = /(?![\t\n\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** One line of text: what is unsafe becomes `\n`, `\x1b`, `\u{202e}`. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

/** Text of several lines: line ends stay. */
export function escapeLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE_EXCEPT_NEWLINE, escapeCharacter);
}

/** JSON text: what is unsafe becomes `\u…`, which means the same to every parser. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) => {
    const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
  });
}

/** The text of bytes; those that are not UTF-8 become `\xff` and are safe already. */
export function decodeVisibly(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString();
  const parts: string[] = [];
  for (let from = 0, at = 0; at <= buffer.length;) {
    const length = sequenceLength(buffer, at);
    if (length > 0) {
      at += length;
      continue;
    }
    parts.push(buffer.toString('utf8', from, at));
    if (at < buffer.length) parts.push(hexEscape(buffer[at]));
    from = at += 1;
  }
  return parts.join('');
}

/** How many bytes at the end are the beginning of a character that the next bytes may complete. */
export function incompleteTail(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const lead = bytes[bytes.length - length];
    if (lead < 0x80) return 0;
    if (lead >= 0xc0) return announcedLength(lead) > length ? length : 0;
  }
  return 0;
}

/** Bytes of the valid character at `at`, 0 if there is none. */
function sequenceLength(buffer: Buffer, at: number): number {
  const length = at < buffer.length ? announcedLength(buffer[at]) : 0;
  if (length <= 1) return length;
  return at + length <= buffer.length && isUtf8(buffer.subarray(at, at + length)) ? length : 0;
}

/** What a first byte says; 0 for one that is no first byte. */
function announcedLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  const code = character.codePointAt(0)!;
  return code < 0x100 ? hexEscape(code) : `\\u{${code.toString(16)}}`;
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
