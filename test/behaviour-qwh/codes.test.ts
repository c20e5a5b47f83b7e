/** Close codes that only a GOAWAY can have, the time of all handshakes together, and an end before `ready`. */
import { createQWormholeClient } from 'qwormhole';
import { expect, it } from 'vitest';
import { IS_TCP, call, cleanUp, pair, serve } from '../support/scene.js';
import { failure, next, sleep } from '../support/wait.js';

it.each([999, 1005, 40_000])('carries close code %i on every carrier', async (code) => {
  const { server, client } = await pair({}, { reconnect: false });
  server.on('message', () => {});
  const closed = next(server, 'clientClosed');
  await client.close(code, 'of our own');
  expect((await closed).slice(1)).toEqual([code, 'of our own', true]);
});

it('is not ready when a listener of connect has closed it', async () => {
  const server = await serve();
  const { client } = createQWormholeClient({ endpoints: server.addresses });
  cleanUp(() => client.close());
  const events: string[] = [];
  for (const name of ['connect', 'ready', 'close'] as const) client.on(name, () => events.push(name));
  client.on('connect', () => void client.close());
  expect(await failure(() => client.connect())).toMatchObject({ code: 'ERR_QW_CLOSED' });
  expect(events).toEqual(['connect', 'close']);
});

it.skipIf(IS_TCP)('has one time for the opening handshake and its own', async () => {
  let isDecided = false;
  // Neither takes longer than the time, both together do.
  const server = await serve({
    handshakeTimeoutMs: 1500,
    authorize: () => sleep(700).then(() => ({})),
    verifyHandshake: () => sleep(1400).then(() => (isDecided = true)),
  });
  await failure(() => call(server, { reconnect: false }));
  expect(isDecided).toBe(false);
  expect(server.getConnectionCount()).toBe(0);
});
