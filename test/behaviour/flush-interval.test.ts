/** Small messages that wait for one another, so that they go out together: `flushIntervalMs` and `flush`. */
import { expect, it } from 'vitest';
import { pair } from '../support/scene.js';
import { awake, failure, sleep, until } from '../support/wait.js';

/** The longest interval. No message is seen so late unless it delays it, ms. */
const LONG_MS = 1000;
/** Machines are busy: this much later it may be seen. */
const LATE_MS = 1500;

/**
 * What a connection gets: how many messages, and in how many turns of the event loop. When this resolves the tick is
 * over: to begin to read is itself handed over at its end, and takes along what waits.
 */
async function watch(connection: { on(event: 'message', listener: () => void): unknown }) {
  const seen = { messages: 0, turns: 0, firstAt: 0 };
  let isSameTurn = false;
  connection.on('message', () => {
    seen.messages += 1;
    if (isSameTurn) return;
    seen.firstAt ||= performance.now();
    seen.turns += 1;
    isSameTurn = true;
    setImmediate(() => (isSameTurn = false));
  });
  await sleep(1);
  return seen;
}

it('sends what comes within an interval together, and no later', async () => {
  const { client, connection } = await pair({}, { flushIntervalMs: LONG_MS });
  const seen = await watch(connection);
  const began = performance.now();
  for (let n = 0; n < 20; n += 1) {
    expect(client.send(Buffer.alloc(10))).toBe('sent');
    await sleep(2);
  }
  expect(seen.messages).toBe(0);
  expect(client.bufferedAmount).toBe(200);
  await until(() => seen.messages === 20, 'the messages');
  expect(seen.turns).toBeLessThanOrEqual(2);
  expect(seen.firstAt - began).toBeGreaterThan(LONG_MS - 20);
  expect(seen.firstAt - began).toBeLessThan(LONG_MS + LATE_MS);
  await until(() => client.bufferedAmount === 0, 'the write to be counted');
});

it('sends each tick by itself without', async () => {
  const { client, connection } = await pair();
  const seen = await watch(connection);
  for (let n = 0; n < 20; n += 1) {
    client.send(Buffer.alloc(10));
    // Each has the time to go out by itself, also where the I/O thread is late.
    await sleep(20);
  }
  await until(() => seen.messages === 20, 'the messages');
  expect(seen.turns).toBeGreaterThan(10);
});

it('hands over at once what is flushed, what is much, and what is closed', async () => {
  const { client, connection } = await pair({}, { flushIntervalMs: LONG_MS });
  const seen = await watch(connection);
  const took = awake();
  client.send('one');
  client.flush();
  await until(() => seen.messages === 1, 'what was flushed');
  client.send('two');
  await client.flushed();
  await until(() => seen.messages === 2, 'what somebody waits for');
  for (let n = 0; n < 20; n += 1) client.send(Buffer.alloc(1000));
  await until(() => seen.messages >= 18, 'what is much');
  client.send('three');
  await client.close();
  await until(() => seen.messages === 23, 'what is closed');
  expect(took()).toBeLessThan(LONG_MS);
});

it('waits for a whole interval anew after each', async () => {
  const { server, client } = await pair({ flushIntervalMs: 100 });
  const seen = await watch(client);
  for (let round = 1; round <= 3; round += 1) {
    const began = performance.now();
    server.broadcast(Buffer.alloc(10));
    server.broadcast(Buffer.alloc(10));
    await until(() => seen.messages === 2 * round, 'a round');
    expect(performance.now() - began).toBeGreaterThan(90);
    expect(performance.now() - began).toBeLessThan(100 + LATE_MS);
  }
});

it('refuses what is no interval', async () => {
  for (const flushIntervalMs of [-1, 0.5, 1001, '5'])
    expect((await failure(() => pair({ flushIntervalMs } as never))).code).toBe('ERR_QW_OPTION_INVALID');
});
