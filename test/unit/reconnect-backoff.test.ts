/** When a client calls again: pure arithmetic, with the dice in the test's hand. */
import fc from 'fast-check';
import { Backoff, pauseBound } from 'qwormhole/internal';
import { expect, it } from 'vitest';
import { holds } from '../support/holds.js';

const settings = { initial: false, baseMs: 300, capMs: 10_000, maxAttempts: Infinity };
const ALMOST_ONE = 1 - Number.EPSILON;

it('doubles the bound up to the cap', () => {
  const bounds = Array.from({ length: 8 }, (_, failures) => pauseBound(settings, failures));
  expect(bounds).toEqual([300, 600, 1200, 2400, 4800, 9600, 10_000, 10_000]);
  expect(pauseBound(settings, 1e6)).toBe(10_000);
});

it('draws each pause from nothing up to the bound', () => {
  const lowest = new Backoff(settings, () => 0);
  const highest = new Backoff(settings, () => ALMOST_ONE);
  for (const bound of [300, 600, 1200]) {
    expect(lowest.next()!.delayMs).toBe(0);
    expect(highest.next()!.delayMs).toBe(bound);
  }
});

it('never exceeds the cap, whatever the dice', async () => {
  await holds(
    fc.property(fc.array(fc.double({ min: 0, max: ALMOST_ONE, noNaN: true }), { minLength: 1 }), (dice) => {
      let roll = 0;
      const backoff = new Backoff(settings, () => dice[roll++ % dice.length]);
      for (let i = 0; i < 50; i += 1) {
        const { delayMs } = backoff.next()!;
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(settings.capMs);
      }
    }),
  );
});

it('spreads a herd evenly', () => {
  const clients = 2000;
  const delays = Array.from({ length: clients }, () => new Backoff(settings).next()!.delayMs);
  const buckets = [0, 0, 0];
  for (const delay of delays) buckets[Math.min(2, Math.floor(delay / 100))] += 1;
  for (const count of buckets) expect(count).toBeGreaterThan(clients / 6);
});

it('does not come before it is asked for, once, and at most five minutes later', () => {
  const backoff = new Backoff(settings, () => 0.5);
  backoff.notBefore(2000);
  expect(backoff.next()!.delayMs).toBe(2150);
  expect(backoff.next()!.delayMs).toBe(300);
  backoff.notBefore(1e12);
  expect(backoff.next()!.delayMs).toBe(300_000 + 600);
  backoff.notBefore(2000);
  backoff.connected();
  expect(backoff.next()!.delayMs).toBeLessThan(2000);
});

it('comes when a server that left asked for it, and waits no longer, unless that server leaves again and again', () => {
  const backoff = new Backoff(settings, () => 0.5);
  backoff.lost(10, 700);
  expect(backoff.next()).toEqual({ attempt: 1, delayMs: 700 });
  // What it asked for did not help.
  expect(backoff.next()!.delayMs).toBe(300);
  backoff.connected();
  backoff.lost(10, 700);
  expect(backoff.next()!.delayMs).toBe(700 + 600);
  backoff.connected();
  backoff.lost(60_000, 700);
  expect(backoff.next()!.delayMs).toBe(700);
  backoff.connected();
  backoff.lost(60_000);
  expect(backoff.next()!.delayMs).toBe(150);
});

it('counts attempts and gives up after the last', () => {
  const backoff = new Backoff({ ...settings, maxAttempts: 2 });
  expect(backoff.next()?.attempt).toBe(1);
  expect(backoff.next()?.attempt).toBe(2);
  expect(backoff.next()).toBeUndefined();
  backoff.connected();
  expect(backoff.next()?.attempt).toBe(1);
});

it('starts anew after a connection that lasted, and only then', () => {
  const backoff = new Backoff(settings, () => ALMOST_ONE);
  expect(backoff.next()!.delayMs).toBe(300);
  expect(backoff.next()!.delayMs).toBe(600);
  backoff.connected();
  backoff.lost(10);
  expect(backoff.next()).toEqual({ attempt: 1, delayMs: 1200 });
  backoff.connected();
  backoff.lost(60_000);
  expect(backoff.next()).toEqual({ attempt: 1, delayMs: 300 });
});
