/** Warnings that nobody asked for come rarely, and say how many there were. */
import { RateLimit } from 'qwormhole/internal';
import { expect, it } from 'vitest';

it('says something at most once per interval, and then how often it would have', () => {
  const limit = new RateLimit(1000);
  const said: number[] = [];
  const say = (suppressed: number): void => void said.push(suppressed);
  for (let now = 0; now < 3000; now += 100) limit.run(say, now);
  expect(said).toEqual([0, 9, 9]);
  limit.run(say, 60_000);
  expect(said).toEqual([0, 9, 9, 9]);
});
