/** A server of qwh that leaves tells each client when to come back: at once, and each another moment. */
import { CloseCode, connect } from 'qwormhole';
import { expect, it } from 'vitest';
import { cleanUp, pair, serve } from '../support/scene.js';
import { next, until } from '../support/wait.js';

const CLIENTS = 100;
const MESSAGES = 10;
const SPREAD_MS = 1500;
/** A client that waited for its own pause too would be seen by this, ms. */
const LONG_MS = 30_000;

it('sends its clients away with all that is theirs, and they come back when they were told to', async () => {
  const [leaving, staying] = [await serve(), await serve()];
  for (const server of [leaving, staying]) server.on('message', () => {});
  const endpoints = [leaving.addresses[0], staying.addresses[0]];
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
