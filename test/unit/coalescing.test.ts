/** When small messages wait for one another: `ts/link/coalescing.ts`. */
import { expect, test } from 'vitest';
import { Coalescing } from '../../ts/link/coalescing.js';

const VALUES = { intervalMs: 1, after: 3, soonMs: 0.5 };

/** The intervals of hand-overs, each so many ms after the one before and with so many messages received between. */
function intervals(steps: readonly (readonly [afterMs: number, received?: number])[]): number[] {
  let [now, received] = [1000, 0];
  const coalescing = new Coalescing(
    VALUES,
    () => received,
    () => now,
  );
  return steps.map(([afterMs, count = 0]) => {
    now += afterMs;
    received += count;
    return coalescing.interval();
  });
}

const stream = (length: number) => Array.from({ length }, () => [0.1] as const);

test('a stream waits once it is one', () => {
  expect(intervals(stream(6))).toEqual([0, 0, 0, 1, 1, 1]);
});

test('it goes on while the next comes soon after the timer', () => {
  expect(intervals([...stream(4), [1.4], [2.4], [2.4]])).toEqual([0, 0, 0, 1, 1, 1, 1]);
});

test('a message after a rest goes at once, and a stream begins anew', () => {
  expect(intervals([...stream(4), [3], ...stream(3)])).toEqual([0, 0, 0, 1, 0, 0, 0, 1]);
});

test('a lone message never waits, nor do those of a trickle', () => {
  expect(intervals(Array.from({ length: 20 }, () => [0.6] as const)).every((ms) => ms === 0)).toBe(true);
});

test('a conversation never waits, however fast', () => {
  expect(intervals(Array.from({ length: 50 }, () => [0.01, 1] as const)).every((ms) => ms === 0)).toBe(true);
});

test('whoever answers ends a stream', () => {
  expect(intervals([...stream(4), [0.1, 1], [0.1]])).toEqual([0, 0, 0, 1, 0, 0]);
});
