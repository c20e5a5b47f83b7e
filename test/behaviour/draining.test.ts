/**
 * A server that leaves: nothing that it accepted is lost, its clients go one after the other, and find another one.
 * Clients of qwh are told when to come back: `behaviour-qwh/draining.test.ts`.
 */
import { CloseCode, connect, type ConnectAttempt } from 'qwormhole';
import { expect, it } from 'vitest';
import { proxyBefore } from '../support/chaos.js';
import { ANYWHERE, IS_TCP, call, cleanUp, serve } from '../support/scene.js';
import { next, until } from '../support/wait.js';

const CLIENTS = 200;
const AT_ONCE = 10;
const MESSAGES = 10;
/** So long that they still go over a time when a machine stands still for a second of it. */
const SPREAD_MS = 1500;
const protocol = IS_TCP ? 'length-prefixed' : 'raw';

it('sends a few hundred clients away, over a time, with all that is theirs', async () => {
  const [leaving, staying] = [await serve({ protocol }, ANYWHERE), await serve({ protocol }, ANYWHERE)];
  for (const server of [leaving, staying]) server.on('message', () => {});
  const both = [leaving.addresses[0], staying.addresses[0]];
  // Who waits half a second for the first server calls the other one too: at first they know but one.
  const endpoints = ({ number }: ConnectAttempt) => (number === 0 ? both[0] : both);
  const received: number[] = [];
  const lost: { at: number; code: number; clean: boolean }[] = [];
  const come = async (at: number): Promise<void> => {
    received[at] = 0;
    const client = await connect(endpoints, { protocol, reconnect: { baseMs: 20, capMs: 100 } });
    cleanUp(() => client.close());
    client.on('message', () => (received[at] += 1));
    client.on('disconnect', (code, _reason, clean) => lost.push({ at: performance.now(), code, clean }));
  };
  for (let at = 0; at < CLIENTS; at += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => come(at + i)));
  await until(() => leaving.getConnectionCount() === CLIENTS, 'the clients');
  const message = Buffer.alloc(5000);
  for (let n = 0; n < MESSAGES; n += 1)
    expect(leaving.broadcast(message)).toEqual({ accepted: CLIENTS, dropped: 0 });
  const began = performance.now();
  const closing = leaving.close({ gracefulMs: 10_000, spreadMs: SPREAD_MS });
  expect(leaving.ready).toBe(false);
  // Those whose turn has not come are served.
  expect(leaving.broadcast(message).accepted).toBeGreaterThan(CLIENTS / 2);
  await closing;
  expect(performance.now() - began).toBeGreaterThan(SPREAD_MS - 50);
  expect(performance.now() - began).toBeLessThan(10_000);
  await until(() => staying.getConnectionCount() === CLIENTS, 'all of them at the other server');
  expect(leaving.stats()).toMatchObject({ bytesDiscarded: 0, bufferedAmount: 0, connections: 0 });
  const total = received.reduce((sum, each) => sum + each, 0);
  expect(total).toBe(leaving.stats().accepted.messages);
  expect(Math.min(...received)).toBeGreaterThanOrEqual(MESSAGES);
  expect(lost).toHaveLength(CLIENTS);
  expect(lost.every(({ clean }) => clean)).toBe(true);
  // Without qwh TCP has no last word; over WebSocket this is 1012.
  expect(new Set(lost.map(({ code }) => code))).toEqual(
    new Set([IS_TCP ? CloseCode.ok : CloseCode.shutdown]),
  );
  // One process has both ends of all of them: it sees them in lumps.
  const times = lost.map(({ at }) => at - began);
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(SPREAD_MS / 5);
});

it('is not late for a client that does not go', async () => {
  const server = await serve();
  const clients = await Promise.all(Array.from({ length: 20 }, () => call(server, { reconnect: false })));
  await until(() => server.getConnectionCount() === 20, 'the clients');
  // Nobody reads, so nobody sees that the server ends.
  for (const connection of server) connection.send(Buffer.alloc(4 * 1024 * 1024));
  const began = performance.now();
  await server.close({ gracefulMs: 600, spreadMs: 200 });
  const took = performance.now() - began;
  expect(took).toBeGreaterThan(500);
  expect(took).toBeLessThan(3000);
  expect(server.getConnectionCount()).toBe(0);
  for (const client of clients) client.terminate();
});

it('waits for a client that is far away and has little bandwidth', async () => {
  const server = await serve();
  const proxy = await proxyBefore(server, { latencyMs: 50, jitterMs: 20, bytesPerSecond: 400_000 });
  const arrived = next(server, 'connection');
  const client = await call(proxy.url, { reconnect: false });
  let received = 0;
  client.on('message', () => (received += 1));
  const lost = next(client, 'disconnect');
  const [connection] = await arrived;
  for (let n = 0; n < 20; n += 1) connection.send(Buffer.alloc(10_000, n));
  await server.close({ gracefulMs: 8000 });
  expect((await lost)[2]).toBe(true);
  expect(received).toBe(20);
  expect(server.stats()).toMatchObject({ bytesDiscarded: 0, bufferedAmount: 0 });
});
