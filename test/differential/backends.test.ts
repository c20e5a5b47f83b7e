/**
 * The same bytes to the native backend and to the TypeScript one, over sockets and in both roles: the same
 * messages, faults, close codes and answers. `QWORMHOLE_TEST_SEED` repeats the
 * streams of an earlier run.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { streams } from '../support/ws-streams.js';
import { Judge, type Verdict } from '../support/ws-verdict.js';
import { differenceOf } from './differences.js';
import { holds, patience } from '../support/holds.js';

const STREAMS = 200;
const SEED = Number(process.env.QWORMHOLE_TEST_SEED ?? Date.now() & 0x7fffffff);
/** Small, so that streams reach them. */
const BOUNDS = { maxMessage: 1_000, maxFragments: 8 };
/** A stream takes some 25 ms, and on a loaded machine several times that. */
const MS_EACH = 200;

let native: Judge;
let ts: Judge;

beforeAll(async () => {
  [native, ts] = await Promise.all([Judge.of('native', BOUNDS), Judge.of('ts', BOUNDS)]);
});

afterAll(async () => {
  await Promise.all([native.close(), ts.close()]);
});

it(
  `agrees about ${STREAMS} streams of seed ${SEED}`,
  async () => {
    const met = new Map<string, number>();
    const property = fc.asyncProperty(streams, async (stream) => {
      const [ours, theirs] = await Promise.all([native.verdict(stream), ts.verdict(stream)]);
      if (isDeepStrictEqual(plain(ours), plain(theirs))) return;
      const difference = differenceOf(ours, theirs, stream);
      if (difference === undefined) expect(ours).toEqual(theirs);
      else met.set(difference, (met.get(difference) ?? 0) + 1);
    });
    await holds(property, { numRuns: STREAMS, seed: SEED });
    console.log(`differences: ${JSON.stringify(Object.fromEntries(met))}`);
  },
  patience(20_000 + STREAMS * MS_EACH),
);

function plain(verdict: Verdict) {
  return { ...verdict, why: '', isLeft: false };
}
