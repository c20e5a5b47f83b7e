/** What a rate holds back when its peer goes, what a hard one refuses, and an end out of a handler. */
import { expect, it } from 'vitest';
import { CloseCode, connect } from 'qwormhole';
import { cleanUp, pair, serve } from '../support/scene.js';
import { next, until } from '../support/wait.js';

/** More than an end reads ahead. */
const MESSAGES = 30;
const BLOCK = Buffer.alloc(5000);
/** As much as it delivers in some time. */
const SLOW = { bytesPerSecond: 1_000_000, burstBytes: 1000 };

it.each(['close', 'terminate'] as const)('delivers what a rate held back of a peer that %ss', async (how) => {
  const { server, client } = await pair({ inboundRate: SLOW }, { reconnect: false });
  let taken = 0;
  server.on('message', () => (taken += 1));
  const closed = next(server, 'clientClosed');
  for (let n = 0; n < MESSAGES; n += 1) client.send(BLOCK);
  await client.flushed();
  if (how === 'close') await client.close();
  else {
    // By then all of it is read, and much of it held.
    await until(() => taken > MESSAGES / 4, 'some of them');
    client.terminate();
  }
  const [, code, , clean] = await closed;
  expect([code, clean]).toEqual(how === 'close' ? [0, true] : [CloseCode.timeout, false]);
  if (how === 'close') expect(taken).toBe(MESSAGES);
  else expect(taken).toBeGreaterThan(MESSAGES / 4);
  expect(server.getConnectionCount()).toBe(0);
});

it('connects again when what a rate held back is delivered', async () => {
  const [leaving, staying] = [await serve(), await serve()];
  leaving.on('connection', (connection) => {
    for (let n = 0; n < MESSAGES; n += 1) connection.send(BLOCK);
  });
  const arrived = next(leaving, 'connection');
  const endpoints = [leaving.addresses[0], staying.addresses[0]];
  const client = await connect<any>(endpoints, { inboundRate: SLOW, reconnect: { baseMs: 20, capMs: 20 } });
  cleanUp(() => client.close());
  await arrived;
  let taken = 0;
  client.on('message', () => (taken += 1));
  const back = next(client, 'reconnecting');
  // Without grace the server would cut who takes longer than a moment.
  await leaving.close({ gracefulMs: 10_000 });
  await back;
  expect(taken).toBe(MESSAGES);
  expect(client.stats().disconnects).toBe(1);
});

it('delivers nothing behind a message that a hard rate refuses', async () => {
  const { server, client } = await pair(
    { inboundRate: { bytesPerSecond: 1_000_000, burstBytes: 20_000, hard: true } },
    { reconnect: false },
  );
  const taken: number[] = [];
  server.on('message', (message: Buffer) => taken.push(message.readUInt32BE(0)));
  const closed = next(server, 'clientClosed');
  client.on('message', () => {});
  for (let n = 0; n < 20_000; n += 1) {
    const message = Buffer.alloc(64);
    message.writeUInt32BE(n);
    client.send(message);
  }
  const [, code] = await closed;
  expect(code).toBe(CloseCode.rate_limited);
  expect(taken).toEqual(taken.map((_, at) => at));
  expect(taken.length).toBeLessThan(20_000);
});

it('counts for a hard rate what has come, however long its handlers take', async () => {
  const { server, client } = await pair(
    { inboundRate: { messagesPerSecond: 5000, burstMessages: 100, hard: true } },
    { reconnect: false },
  );
  server.on('message', () => {
    const end = performance.now() + 0.3;
    while (performance.now() < end);
  });
  const closed = next(server, 'clientClosed');
  client.on('message', () => {});
  for (let n = 0; n < 4000; n += 1) client.send('x');
  expect((await closed)[1]).toBe(CloseCode.rate_limited);
});

it.each(['server', 'client'] as const)('ends in order when a handler of the %s closes', async (side) => {
  const { server, client, connection } = await pair({}, { reconnect: false });
  const [closing, other] = side === 'server' ? [connection, client] : [client, connection];
  const ends = [next(connection, 'close'), next(client, 'close')];
  let taken = 0;
  closing.on('message', () => {
    if ((taken += 1) === 3) void closing.close(4, 'enough');
  });
  other.on('message', () => {});
  for (let n = 0; n < 3000; n += 1) other.send(Buffer.alloc(100 + (n % 37)));
  for (const [code, reason, clean] of await Promise.all(ends))
    expect([code, reason, clean]).toEqual([4, 'enough', true]);
  expect(taken).toBe(3);
  expect(server.errors).toEqual([]);
});
