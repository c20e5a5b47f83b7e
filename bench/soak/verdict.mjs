/** Whether a process grows, from what it held over time. */
import { median } from '../lib/summary.mjs';

/**
 * What may be added from one third of its life to the next, bytes. Heaps and allocators breathe by less on the loads
 * here, measured over runs of both backends. In a churn of 200,000 connections, of which a third of what is looked at
 * has 50,000, it takes 21 bytes of heap for each to exceed it, or 126 of the process. What is added once is not a
 * leak: a heap that has found its size (V8's new space, 16 MiB, doubles in one step, and within the first minutes of
 * a load rather than at its start) stays there. So it has to be added twice.
 */
const MOST = { heap: 2 ** 20, rss: 6 * 2 ** 20 };
/** The start is not looked at: pools and code fill up. */
const WARM_UP = 1 / 4;

/**
 * @param {{ at: number, heap: number, rss: number, handles: number, descriptors: number }[]} samples at rest, in order;
 *   `at` in seconds
 * @returns {{ growth: { heap: number, rss: number }, perHour: number, faults: string[] }} `growth` in bytes from one third
 *   to the next, the lesser of two
 */
export function verdictOn(samples) {
  const settled = samples.slice(Math.floor(samples.length * WARM_UP));
  const length = Math.floor(settled.length / 3);
  if (length < 2) return { growth: { heap: 0, rss: 0 }, perHour: 0, faults: ['too few samples to tell'] };
  const thirds = [settled.slice(0, length), settled.slice(length, -length), settled.slice(-length)];
  const faults = [];
  const growth = {};
  for (const [name, most] of Object.entries(MOST)) {
    const [first, second, last] = thirds.map((third) => median(third.map((sample) => sample[name])));
    growth[name] = Math.min(second - first, last - second);
    if (growth[name] > most) faults.push(`${name} grows by ${growth[name]} bytes again and again`);
  }
  for (const name of ['handles', 'descriptors']) {
    const [first, last] = [settled[0][name], settled.at(-1)[name]];
    if (last > first) faults.push(`${last - first} ${name} more`);
  }
  return { growth, perHour: slope(settled, 'rss') * 3600, faults };
}

/** Of the straight line that fits best, a second. */
function slope(samples, name) {
  const count = samples.length;
  const mean = (of) => samples.reduce((sum, sample) => sum + of(sample), 0) / count;
  const [meanAt, meanValue] = [mean(({ at }) => at), mean((sample) => sample[name])];
  const spread = mean(({ at }) => (at - meanAt) ** 2);
  return spread === 0 ? 0 : mean((sample) => (sample.at - meanAt) * (sample[name] - meanValue)) / spread;
}
