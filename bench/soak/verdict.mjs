/** Whether a process grows, from what it held over time. */

/**
 * What may be added between the middle of its life and its end, bytes. Heaps and allocators breathe by so much on the loads
 * here, measured over runs of both backends; a hundred bytes for each of the 100,000 connections of half of a churn are
 * more than either.
 */
const MOST = { heap: 2 * 2 ** 20, rss: 12 * 2 ** 20 };
/** The start is not looked at: pools and code fill up. */
const WARM_UP = 1 / 4;

/**
 * @param {{ at: number, heap: number, rss: number, handles: number, descriptors: number }[]} samples at rest, in order;
 *   `at` in seconds
 * @returns {{ growth: { heap: number, rss: number }, perHour: number, faults: string[] }}
 */
export function verdictOn(samples) {
  const settled = samples.slice(Math.floor(samples.length * WARM_UP));
  const half = Math.floor(settled.length / 2);
  const faults = [];
  if (half < 2) faults.push('too few samples to tell');
  const [early, late] = [settled.slice(0, half), settled.slice(half)];
  const growth = {};
  for (const [name, most] of Object.entries(MOST)) {
    growth[name] = half < 2 ? 0 : median(late, name) - median(early, name);
    if (growth[name] > most) faults.push(`${name} grows by ${growth[name]} bytes`);
  }
  for (const name of ['handles', 'descriptors']) {
    const [first, last] = [settled[0]?.[name], settled.at(-1)?.[name]];
    if (last > first) faults.push(`${last - first} ${name} more`);
  }
  return { growth, perHour: slope(settled, 'rss') * 3600, faults };
}

function median(samples, name) {
  const values = samples.map((sample) => sample[name]).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}

/** Of the straight line that fits best, a second. */
function slope(samples, name) {
  const count = samples.length;
  if (count < 2) return 0;
  const mean = (of) => samples.reduce((sum, sample) => sum + of(sample), 0) / count;
  const [meanAt, meanValue] = [mean(({ at }) => at), mean((sample) => sample[name])];
  const spread = mean(({ at }) => (at - meanAt) ** 2);
  return spread === 0 ? 0 : mean((sample) => (sample.at - meanAt) * (sample[name] - meanValue)) / spread;
}
