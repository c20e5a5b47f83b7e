/** What is sent while there is no connection waits, in order, within bounds. */
import { createQWormholeClient, listen } from 'qwormhole';
import { expect, it } from 'vitest';
import { call, cleanUp, serve, somewhere } from '../support/scene.js';
import { collect, failure, next, sleep, until } from '../support/wait.js';

const fast = { reconnect: { baseMs: 5, capMs: 20 } };

/** A client whose server has gone, and the address where it will be again. */
async function orphan(options: { readonly codec?: 'buffer'; readonly [option: string]: unknown } = {}) {
  const server = await listen<any>(await somewhere(), { codec: options.codec ?? 'json' });
  const [address] = server.addresses;
  const client = await call(address, { codec: 'json', ...fast, ...options });
  const lost = next(client, 'disconnect');
  await server.close();
  await lost;
  return { client, address };
}

it('goes out in order, before what comes later', async () => {
  const { client, address } = await orphan();
  for (let i = 0; i < 50; i += 1) expect(client.send(i)).toBe('backpressure');
  client.on('connect', () => client.send('at connect'));
  const ready = next(client, 'ready');
  const server = await serve({ codec: 'json' }, address);
  const received = collect(server, 'message', 52);
  await ready;
  client.send('later');
  expect(await received).toEqual([...Array.from({ length: 50 }, (_, i) => i), 'at connect', 'later']);
});

it('holds what is sent before the first connect', async () => {
  const server = await serve({ codec: 'json' });
  const { client } = createQWormholeClient({ endpoints: server.addresses[0], codec: 'json' });
  cleanUp(() => client.close());
  expect(client.send('early')).toBe('backpressure');
  expect(client.bufferedAmount).toBe('"early"'.length);
  const received = next(server, 'message');
  await client.connect();
  expect((await received)[0]).toBe('early');
});

it('fires backpressure and, once it is written, drain', async () => {
  const { client, address } = await orphan();
  const pressed = next(client, 'backpressure');
  client.send('x');
  await pressed;
  const drained = Promise.all([client.drained(), client.flushed(), next(client, 'drain')]);
  await serve({ codec: 'json' }, address);
  await drained;
  expect(client.bufferedAmount).toBe(0);
});

it('drops what does not fit and says so', async () => {
  const { client } = await orphan({ offlineQueue: { maxBytes: 100 } });
  const run = next(client, 'dropped');
  const answers = Array.from({ length: 5 }, () => client.send('x'.repeat(38)));
  expect(answers).toEqual(['backpressure', 'backpressure', 'dropped', 'dropped', 'dropped']);
  expect(client.bufferedAmount).toBe(80);
  await client.close();
  expect(await run).toEqual([{ reason: 'queue-full', count: 3, bytes: 120 }]);
});

it('drops what becomes too old and says so', async () => {
  const { client, address } = await orphan({
    offlineQueue: { maxAgeMs: 50 },
    reconnect: { baseMs: 300, capMs: 300 },
  });
  const run = next(client, 'dropped');
  client.send('old');
  await until(() => client.bufferedAmount === 0, 'the age');
  client.send('new');
  expect(await run).toEqual([{ reason: 'expired', count: 1, bytes: 5 }]);
  const { accepted, bytesDiscarded, dropped } = client.stats();
  expect(accepted.messages).toBe(2);
  expect(bytesDiscarded).toBe(5);
  expect(dropped.expired).toEqual({ messages: 1, bytes: 5 });
  expect(address).toBeTruthy();
});

it('drops at once when there is no queue', async () => {
  const { client } = await orphan({ offlineQueue: false });
  const run = next(client, 'dropped');
  expect(client.send('x')).toBe('dropped');
  await client.close();
  expect((await run)[0]).toMatchObject({ reason: 'offline', count: 1 });
});

it('throws for a message above the limit all the same', async () => {
  const { client } = await orphan({ maxMessage: 100 });
  expect((await failure(() => client.send('x'.repeat(200)))).code).toBe('ERR_QW_TOO_BIG');
});

it('copies bytes, which the caller may reuse', async () => {
  const { client, address } = await orphan({ codec: 'buffer' });
  const bytes = Buffer.from('mine');
  client.send(bytes);
  bytes.fill(0);
  const server = await serve({}, address);
  expect(String((await next(server, 'message'))[0])).toBe('mine');
});

it('counts as lost what is queued at the end', async () => {
  const { client } = await orphan();
  client.send('lost');
  const closed = next(client, 'close');
  await client.disconnect();
  expect((await closed)[2]).toBe(false);
  const { accepted, bytesDiscarded, bytesWritten, bufferedAmount } = client.stats();
  expect({ bytesDiscarded, bytesWritten, bufferedAmount }).toEqual({
    bytesDiscarded: accepted.bytes,
    bytesWritten: 0,
    bufferedAmount: 0,
  });
});

it('goes out although the link takes less at once than is queued', async () => {
  const { client, address } = await orphan({
    codec: 'buffer',
    maxQueued: 64 * 1024,
    offlineQueue: { maxBytes: 4 << 20 },
  });
  const message = Buffer.alloc(10_000, 1);
  for (let i = 0; i < 300; i += 1) expect(client.send(message)).toBe('backpressure');
  const server = await serve({}, address);
  let received = 0;
  server.on('message', () => (received += 1));
  await sleep(1);
  await until(() => received === 300, 'everything');
});
