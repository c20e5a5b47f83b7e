/** Whether the soak would see what it is there to see. */
import { describe, expect, test } from 'vitest';

const { verdictOn } = await import(new URL('../../bench/soak/verdict.mjs', import.meta.url).href);

const MIB = 2 ** 20;

function samplesOf(count: number, rssAt: (index: number) => number, rest: object = {}) {
  return Array.from({ length: count }, (_, at) => ({
    at,
    heap: 10 * MIB,
    rss: 180 * MIB + rssAt(at),
    handles: 2,
    descriptors: 28,
    ...rest,
  }));
}

describe('a soak', () => {
  test('takes what breathes for flat', () => {
    expect(verdictOn(samplesOf(20, (at) => (at % 3) * 4 * MIB)).faults).toEqual([]);
  });

  test.each([6, 9, 12, 15, 18])('takes one step, at sample %i of 20, for flat', (step) => {
    expect(verdictOn(samplesOf(20, (at) => (at < step ? 0 : 19 * MIB))).faults).toEqual([]);
  });

  test('sees memory that grows by little each time, breathing or not', () => {
    expect(verdictOn(samplesOf(20, (at) => at * 1.6 * MIB)).faults).toHaveLength(1);
    expect(verdictOn(samplesOf(20, (at) => (at * 3 + (at % 3) * 4) * MIB)).faults).toHaveLength(1);
  });

  test('sees a heap that grows', () => {
    const samples = samplesOf(20, () => 0).map((sample, at) => ({
      ...sample,
      heap: 10 * MIB + at * 2 ** 19,
    }));
    expect(verdictOn(samples).faults).toEqual([expect.stringMatching(/^heap grows by \d+ bytes again/)]);
  });

  test('sees one handle and one descriptor more', () => {
    const samples = samplesOf(20, () => 0);
    samples[19] = { ...samples[19]!, handles: 3, descriptors: 29 };
    expect(verdictOn(samples).faults).toEqual(['1 handles more', '1 descriptors more']);
  });

  test('does not call flat what it cannot tell', () => {
    expect(verdictOn(samplesOf(5, () => 0)).faults).toEqual(['too few samples to tell']);
  });
});
