/** A histogram as lines of text: equal steps, a bar for each. */

/** Longest bar, characters. */
const WIDTH = 50;

/**
 * @param {readonly number[]} values ms
 * @param {number} steps how many bars; those at the end that are empty are left out
 */
export function bars(values, steps = 20) {
  if (values.length === 0) return '  nothing';
  const step = niceStep(Math.max(...values) / steps);
  const counts = [];
  for (const value of values) {
    const at = Math.floor(value / step);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  const most = Math.max(...counts.filter((count) => count !== undefined));
  const width = String(counts.length * step).length;
  return Array.from(counts, (count = 0, at) => {
    const bar = '#'.repeat(Math.ceil((count / most) * WIDTH));
    const from = String(at * step).padStart(width);
    const to = String((at + 1) * step).padStart(width);
    return `  ${from} - ${to} ms  ${String(count).padStart(5)}  ${bar}`.trimEnd();
  }).join('\n');
}

/** 1, 2 or 5 times a power of ten, in ms. */
function niceStep(least) {
  for (let unit = 1; ; unit *= 10)
    for (const factor of [1, 2, 5]) if (unit * factor >= least) return unit * factor;
}

/** The value that this share of the values does not exceed. */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
