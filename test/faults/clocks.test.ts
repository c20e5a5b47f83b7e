/** The wall clock jumps, by a day and back by two: nothing that takes its time goes by it. Needs a C compiler. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { preloaded } from '../support/preloaded.js';
import { cleanUp } from '../support/scene.js';

const JUMPS = [1, -2];
/** So much later than it should be something may happen on a busy machine, ms. */
const LATE_MS = 4000;

const { missing, folder, env } = preloaded('./wall-clock.c', 'clocks that jump');

/** What came of it. */
async function tried(what: string): Promise<any> {
  const file = join(folder, `${what}.offset`);
  writeFileSync(file, Buffer.alloc(8));
  const child = new Child('./clockwork.mjs', [what], { ...env, WALL_CLOCK_FILE: file });
  cleanUp(() => child.kill());
  const result = await child.line();
  expect(result.jumps).toEqual(JUMPS);
  return result;
}

describe.skipIf(missing !== undefined)('when the wall clock jumps', () => {
  it('nobody is held to be dead or idle', async () => {
    const { errors, state, echoed } = await tried('watching');
    expect([errors, state, echoed]).toEqual([[], 'open', 'still there']);
  });

  it('a client goes on to reconnect as often as before', async () => {
    const { longest, counts } = await tried('reconnecting');
    expect(longest).toBeLessThan(LATE_MS);
    // In each second, before a jump and behind it.
    const [first, second, third = Infinity] = counts as number[];
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
  });

  it('what waits for a connection ages as it would', async () => {
    const { dropped, tookMs, arrived } = await tried('waiting');
    expect(dropped).toEqual([[1500, 'expired']]);
    expect(tookMs).toBeGreaterThan(1400);
    expect(tookMs).toBeLessThan(1500 + LATE_MS);
    expect(arrived).toBe('kept');
  });

  it('a rate lets neither more through nor less', async () => {
    const { errors, tookMs } = await tried('paced');
    expect(errors).toEqual([]);
    // 50 kB at once, and 310 at 200 a second; the last message may leave a debt behind.
    expect(tookMs).toBeGreaterThan(1400);
    expect(tookMs).toBeLessThan(1550 + LATE_MS);
  });

  it('a limit of time is as long as it was', async () => {
    const { code, tookMs } = await tried('limited');
    expect(code).toBe('ERR_QW_CONNECT_TIMEOUT');
    expect(tookMs).toBeGreaterThan(1400);
    expect(tookMs).toBeLessThan(1500 + LATE_MS);
  });

  it('telemetry says the time of day as it is now, and durations as they are', async () => {
    const { readings, server } = await tried('told');
    const uptimes = readings.map(({ uptimeMs }: any) => uptimeMs);
    expect(uptimes).toEqual(uptimes.toSorted((a: number, b: number) => a - b));
    expect(uptimes.at(-1)).toBeLessThan(2 * LATE_MS);
    expect(server).toBeLessThan(2 * LATE_MS);
    for (const { ahead } of readings) expect(Math.abs(ahead)).toBeLessThan(60);
  });
});
