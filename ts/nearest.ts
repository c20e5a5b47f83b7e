/** Finds what was probably meant by a misspelt word. */

/** The nearest of `words`, or `undefined` when none is near. Case does not count. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  // One slip in three letters, and at least two: `maxMesage`, `nodelay`, `keepalive_`.
  let bound = Math.max(2, Math.floor(word.length / 3));
  let found: string | undefined;
  for (const candidate of words) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), bound);
    if (distance > bound || (found !== undefined && distance === bound)) continue;
    [bound, found] = [distance, candidate];
  }
  return found;
}

/** Levenshtein's distance; gives up with a value above `bound` where the lengths alone say so. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
