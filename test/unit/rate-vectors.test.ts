/** Token buckets say the same in both languages: `test/vectors/rates.json`, which Rust reads too. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Bucket, Throttle } from 'qwormhole/internal';

interface Vector {
  name: string;
  perSecond: number;
  burst: number;
  steps: { at: number; wait: number; waitForAll: number; available: number; take: number; late?: number }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/rates.json', import.meta.url), 'utf8'),
) as Vector[];
const SECOND = 1e9;

it.each(vectors)('$name', ({ perSecond, burst, steps }) => {
  const bucket = new Bucket({ perSecond, burst });
  for (const step of steps) {
    const { at, take, late } = step;
    if (late !== undefined) bucket.late(late, at);
    const [wait, waitForAll] = [bucket.wait(1, at), bucket.wait(take, at)];
    expect({ at, wait, waitForAll, available: bucket.available(at), take, late }).toEqual(step);
    bucket.take(take, at);
  }
});

it('lets any size pass at any rate, within a thousandth', () => {
  for (const perSecond of [100_000, 1_000_000, 10_000_000, 99_999_989]) {
    for (const size of [16, 100, 1024, 65_536]) {
      const burst = perSecond / 10;
      const bucket = new Bucket({ perSecond, burst: Math.floor(burst) });
      let passed = 0;
      let now = 0;
      for (; now < SECOND; now += bucket.wait(size, now)) {
        bucket.take(size, now);
        passed += size;
      }
      const expected = perSecond + burst;
      expect(Math.abs(passed - expected), `${size} at ${perSecond}`).toBeLessThanOrEqual(
        size + expected / 1000,
      );
    }
  }
});

it('takes a gigabyte at once exactly', () => {
  const whole = new Bucket({ perSecond: 1_234_567, burst: 1 });
  const parts = new Bucket({ perSecond: 1_234_567, burst: 1 });
  whole.take(2 ** 30, 0);
  for (let i = 0; i < 1024; i += 1) parts.take(2 ** 20, 0);
  expect(whole.wait(1, 0)).toBe(parts.wait(1, 0));
});

it('holds bytes and messages to both bounds', () => {
  const throttle = new Throttle({
    bytes: { perSecond: 1000, burst: 1000 },
    messages: { perSecond: 10, burst: 10 },
    isHard: false,
  });
  expect(throttle.allowance(50, 0)).toBe(500);
  expect(throttle.allowance(500, 0)).toBe(1000);
  throttle.take(0, 10, 0);
  expect(throttle.wait(1, 0)).toBe(100_000_000);
  expect(throttle.allowance(50, 0)).toBe(0);
  throttle.take(1500, 0, 0);
  expect(throttle.wait(1, 0)).toBe(501_000_000);
  expect(throttle.wait(100, 0)).toBe(600_000_000);
});

it.each([
  [1, 1.1],
  [1, 15],
  [1000, 1.1],
  [1000, 15],
  [20_000, 15],
])('with a burst of %i late calls by %d ms cost nothing of the rate', (burst, lateMs) => {
  const [perSecond, late] = [1_000_000, lateMs * 1e6];
  const throttle = new Throttle({ bytes: { perSecond, burst }, isHard: false });
  let [now, passed] = [0, 0];
  while (now < SECOND) {
    const bytes = throttle.allowance(100, now);
    if (bytes === 0) now += throttle.hold(now) + late;
    else throttle.take(bytes, 0, now);
    passed += bytes;
  }
  expect(Math.abs(passed - perSecond)).toBeLessThanOrEqual(burst + (2 * late) / 1000);
});

it('owes nothing to what rests', () => {
  const throttle = new Throttle({ bytes: { perSecond: 1_000_000, burst: 1000 }, isHard: false });
  throttle.take(2000, 1, 0);
  expect(throttle.hold(0)).toBe(1_001_000);
  // A minute late: no more is made up for than a twentieth of a second.
  expect(throttle.allowance(100, 60 * SECOND)).toBe(51_000);
  expect(throttle.allowance(100, 61 * SECOND)).toBe(1000);
});
