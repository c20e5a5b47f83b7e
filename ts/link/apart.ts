/** The same text with memory of its own: a slice keeps all of the string that it is of. */
export function apart(text: string): string {
  return Buffer.from(text).toString();
}
