/** Names that take their time to resolve: the limit for a connection covers it, and the backend may break meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createQWormholeServer } from 'qwormhole';
import { injectNativeFailure } from 'qwormhole/internal';
import { expect, test, vi } from 'vitest';
import { cleanUp } from '../support/scene.js';
import { awake, failure, next } from '../support/wait.js';

const { LOOKUP_MS } = vi.hoisted(() => ({ LOOKUP_MS: 600 }));

vi.mock('node:dns/promises', () => ({
  lookup: async () => {
    await sleep(LOOKUP_MS);
    return [{ address: '127.0.0.1', family: 4 }];
  },
}));

function serverByName(onNativeFailure: 'migrate' | 'error') {
  const { server, mode } = createQWormholeServer({ endpoints: 'tcp://localhost:0', onNativeFailure });
  expect(mode).toBe('native');
  server.on('error', () => {});
  cleanUp(() => server.close());
  return server;
}

test('the time to connect covers the name', async () => {
  const took = awake();
  const error = await failure(() => connect('tcp://slow.example:1', { connectTimeoutMs: 100 }));
  expect(error.code).toBe('ERR_QW_CONNECT_TIMEOUT');
  expect(took()).toBeLessThan(LOOKUP_MS);
});

test('a server whose backend breaks meanwhile listens on the other', async () => {
  const server = serverByName('migrate');
  const listening = server.listen();
  injectNativeFailure();
  const [address] = await listening;
  expect([server.mode, server.ready, server.addresses]).toEqual(['ts', true, [address]]);
  server.on('message', (message, connection) => connection.send(message));
  await using client = await connect(address, { forceTs: true });
  const echoed = next(client, 'message');
  client.send('there');
  expect(String(await echoed)).toBe('there');
});

test('a server that may not move is refused and closes', async () => {
  const server = serverByName('error');
  const listening = failure(() => server.listen());
  injectNativeFailure();
  expect((await listening).code).toBe('ERR_QW_NATIVE_FAILED');
  await server.close();
  expect([server.ready, server.addresses]).toEqual([false, []]);
});
