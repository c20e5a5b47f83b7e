/** A server of qwh that leaves tells each client when to come back: at once, and each another moment. */
import { CloseCode, connect } from 'qwormhole';
import { expect, it } from 'vitest';
import { call, cleanUp, pair, serve } from '../support/scene.js';
import { next, sleep, until } from '../support/wait.js';

const CLIENTS = 100;
const MESSAGES = 10;
const SPREAD_MS = 1500;
/** A client that waited for its own pause too would be seen by this, ms. */
const LONG_MS = 30_000;

it('sends its clients away with all that is theirs, and they come back when they were told to', async () => {
  const [leaving, staying] = [await serve(), await serve()];
  for (const server of [leaving, staying]) server.on('message', () => {});
  const endpoints = (): string[] => (leaving.ready ? leaving : staying).addresses.slice(0, 1);
  const received: number[] = Array.from({ length: CLIENTS }, () => 0);
  const told: number[] = [];
  const losses: { code: number; clean: boolean }[] = [];
  await Promise.all(
    received.map(async (_, at) => {
      const client = await connect(endpoints, { protocol: 'qwh', reconnect: { baseMs: 20, capMs: LONG_MS } });
      cleanUp(() => client.close());
      client.on('message', () => (received[at] += 1));
      client.on('disconnect', (code, _reason, clean) => losses.push({ code, clean }));
      client.on('reconnecting', (attempt, delayMs) => {
        expect([attempt, client.state]).toEqual([1, 'reconnecting']);
        told.push(delayMs);
      });
    }),
  );
  await until(() => leaving.getConnectionCount() === CLIENTS, 'the clients');
  const message = Buffer.alloc(5000);
  for (let n = 0; n < MESSAGES; n += 1)
    expect(leaving.broadcast(message)).toEqual({ accepted: CLIENTS, dropped: 0 });
  const began = performance.now();
  const closing = leaving.close({ gracefulMs: 10_000, spreadMs: SPREAD_MS });
  expect(leaving.ready).toBe(false);
  await closing;
  expect(leaving.stats()).toMatchObject({ bytesDiscarded: 0, bufferedAmount: 0, connections: 0 });
  await until(() => staying.getConnectionCount() === CLIENTS, 'all of them at the other server');
  expect(performance.now() - began).toBeGreaterThan(SPREAD_MS / 2);

  expect(Math.min(...received)).toBe(MESSAGES);
  expect(losses).toHaveLength(CLIENTS);
  expect(losses.every(({ code, clean }) => clean && code === CloseCode.shutdown)).toBe(true);
  // A hundred draws that all fall into one half of the time are not the dice's fault.
  expect(Math.max(...told)).toBeLessThanOrEqual(SPREAD_MS);
  expect(Math.min(...told)).toBeLessThan(SPREAD_MS / 2);
  expect(Math.max(...told)).toBeGreaterThan(SPREAD_MS / 2);
  expect(Math.min(...told)).toBeGreaterThan(0);
});

it('gives no advice where nothing is to be spread', async () => {
  const { server, client } = await pair({}, { reconnect: { baseMs: 40, capMs: 40 } });
  const planned = next(client, 'reconnecting');
  await server.close();
  const [attempt, delayMs] = (await planned) as [number, number];
  expect(attempt).toBe(1);
  expect(delayMs).toBeLessThanOrEqual(40);
});

it('delivers what its clients sent before they heard that it goes', async () => {
  const server = await serve();
  let taken = 0;
  server.on('message', () => (taken += 1));
  const ends: boolean[] = [];
  server.on('clientClosed', (_connection, _code, _reason, clean) => ends.push(clean));
  const clients = await Promise.all(Array.from({ length: 10 }, () => call(server, { reconnect: false })));
  let sent = 0;
  const timer = setInterval(() => {
    for (const client of clients)
      for (let n = 0; n < 50; n += 1) if (client.send(Buffer.alloc(100)) !== 'dropped') sent += 1;
  }, 1);
  cleanUp(() => clearInterval(timer));
  await until(() => taken > 5000, 'a stream of messages');
  await server.close({ gracefulMs: 10_000 });
  expect(taken).toBe(sent);
  expect(ends).toEqual(clients.map(() => true));
});

it('delivers at the pace of its handlers what came before the peer left', async () => {
  const server = await serve({ concurrency: 1, closeTimeoutMs: 1000 });
  let taken = 0;
  server.on('message', async () => {
    taken += 1;
    await sleep(20);
  });
  const client = await call(server, { reconnect: false });
  for (let n = 0; n < 100; n += 1) client.send('x');
  await until(() => taken > 5, 'the first ones');
  await server.close({ gracefulMs: 10_000 });
  expect(taken).toBe(100);
});
