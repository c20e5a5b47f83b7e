/** A native peer is alive however long its JavaScript is not: its I/O thread answers for it. */
import { expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { call, cleanUp } from '../support/scene.js';
import { next } from '../support/wait.js';

const heartbeat = { intervalMs: 1000, timeoutMs: 3000 };
const BLOCKED_MS = 10_000;

it(
  'with a heartbeat of 1 s and 3 s ten seconds without JavaScript evict nobody',
  { timeout: 40_000 },
  async () => {
    const options = JSON.stringify({ heartbeat, preferNative: true });
    const child = new Child('./far-server.mjs', ['tcp://127.0.0.1:0', options]);
    cleanUp(() => child.kill());
    const { addresses, mode } = (await child.line()) as { addresses: string[]; mode: string };
    expect(mode).toBe('native');
    const client = await call(addresses[0], { heartbeat, reconnect: false });
    const began = performance.now();
    child.say(`sleep ${BLOCKED_MS}`);
    await child.event('asleep');
    await child.event('awake');
    expect(performance.now() - began).toBeGreaterThan(BLOCKED_MS);
    client.send(Buffer.from('still there'));
    expect(String((await next(client, 'message'))[0])).toBe('still there');
    expect(client.errors).toEqual([]);
    expect(client.stats().disconnects).toBe(0);
  },
);
