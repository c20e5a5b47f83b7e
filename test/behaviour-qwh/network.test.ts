/** A network that loses packets, either way or both: both ends notice it in time, and clients come back. */
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { Network, whyNoNetworks, type Way } from '../support/network.js';
import { CARRIER, IS_SECURE, cleanUp } from '../support/scene.js';
import { sleep } from '../support/wait.js';

const heartbeat = { intervalMs: 200, timeoutMs: 600 };
const options = { heartbeat, protocol: 'qwh' };
/** A cut is noticed in a second, and a lost SYN repeated after one and two more; three times. */
const LONG_MS = 60_000;
/** Machines are busy: this much later it may be noticed. */
const LATE_MS = 2500;

const reason = whyNoNetworks();
const onTs = process.env.QWORMHOLE_TEST_TS_SIDE;

/** Each end on a host of its own. */
async function hosts(more: Record<string, unknown> = {}) {
  const network = new Network();
  const env = (side: string): Record<string, string> =>
    side === onTs ? { QWORMHOLE_NATIVE: 'force-ts' } : {};
  const start = (side: 'server' | 'client', endpoint: string, given: Record<string, unknown>) => {
    const args = [endpoint, JSON.stringify({ ...options, ...more, ...given })];
    const child = new Child(`./far-${side}.mjs`, args, env(side), network.on(network[side]));
    cleanUp(() => child.kill());
    return child;
  };
  const server = start('server', `${CARRIER}://${network.server.address}:0`, { handshakeTimeoutMs: 2000 });
  const { addresses } = (await server.line()) as { addresses: string[] };
  // Certificates are for this machine, whatever its address.
  const tls = IS_SECURE ? { tls: { servername: 'localhost' } } : {};
  const reconnect = { initial: true, baseMs: 20, capMs: 200 };
  const client = start('client', addresses[0], { reconnect, connectTimeoutMs: 2000, ...tls });
  await client.event('connect');
  return { network, server, client };
}

describe.skipIf(reason !== undefined)(`on two hosts${reason === undefined ? '' : `: ${reason}`}`, () => {
  it.each<[string, Way[]]>([
    ['to the server', ['up']],
    ['to the client', ['down']],
    ['either way', ['up', 'down']],
  ])('packets that are lost %s are noticed by both ends in time', async (_, ways) => {
    const { network, server, client } = await hosts();
    // Each cut is a program that takes its time.
    const cutAt = performance.now();
    for (const way of ways) network.cut(way);
    const [closed, lost] = await Promise.all([server.event('closed'), client.event('disconnect')]);
    const took = performance.now() - cutAt;
    // The last sign of life may have been late.
    expect(took).toBeGreaterThan(heartbeat.timeoutMs - 2 * heartbeat.intervalMs);
    expect(took).toBeLessThan(heartbeat.timeoutMs + heartbeat.intervalMs + LATE_MS);
    // Timeout: by its own watch, or by a reset of the other's.
    expect([closed.code, lost.code]).toEqual([8, 8]);
  });

  it('clients come back after a cut, and no message is partial', { timeout: LONG_MS }, async () => {
    const { network, server, client } = await hosts({ size: 100_000 });
    const count = async () => {
      server.say('count');
      return (await server.event('count')) as { whole: number; wrong: number };
    };
    const moreThan = async (whole: number) => {
      for (;;) {
        const counts = await count();
        if (counts.whole > whole) return counts;
        await sleep(100);
      }
    };
    let before = { whole: 0 };
    for (const ways of [['up', 'down'], ['up'], ['down']] as const) {
      await moreThan(before.whole);
      for (const way of ways) network.cut(way);
      await client.event('disconnect');
      before = await count();
      network.heal();
      await client.event('connect');
      expect((await moreThan(before.whole)).wrong).toBe(0);
    }
  });
});
