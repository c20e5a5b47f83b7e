/** Text of a peer for messages and terminals. */

/** Control characters of C0 and C1, and those that turn the direction of text or break lines. */
const UNPRINTABLE = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/** The same with an escape, as of JSON, for each character that would do something instead of being read. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
