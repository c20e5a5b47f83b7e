/** Rates hold back what is sent and received, or reject it; debt is paid and nothing is lost or stuck. */
import { expect, it } from 'vitest';
import { pair, rawPair } from '../support/scene.js';
import { awake, next, sleep, until } from '../support/wait.js';

/** Timers are late and machines are busy: never faster than this part of the time, and not slower than by that many ms. */
const EARLY = 0.9;
const LATE_MS = 1500;

/** How long until so many messages of `size` bytes have come, ms: by the clock, and while this process was awake. */
async function timeFor(
  receiver: { on(event: 'message', listener: () => void): unknown },
  sender: { send(message: Buffer): string; drained(): Promise<void> },
  count: number,
  size: number,
): Promise<{ ms: number; awakeMs: number }> {
  let received = 0;
  receiver.on('message', () => (received += 1));
  const message = Buffer.alloc(size, 1);
  const began = performance.now();
  const took = awake();
  for (let index = 0; index < count; index += 1)
    if (sender.send(message) === 'backpressure') await sender.drained();
  await until(() => received === count, `${count} messages`);
  return { ms: performance.now() - began, awakeMs: took() };
}

function expectTime({ ms, awakeMs }: { ms: number; awakeMs: number }, expected: number): void {
  expect(ms).toBeGreaterThan(expected * EARLY);
  expect(awakeMs).toBeLessThan(expected + LATE_MS);
}

const bytes = { bytesPerSecond: 1_000_000, burstBytes: 100_000 };
const messages = { messagesPerSecond: 2_000, burstMessages: 200 };

it.each([
  ['small messages', 'outboundRate', bytes, 37_500, 16],
  ['small messages', 'inboundRate', bytes, 37_500, 16],
  ['middling messages', 'outboundRate', bytes, 600, 1000],
  ['middling messages', 'inboundRate', bytes, 600, 1000],
  ['large messages', 'outboundRate', bytes, 10, 65_536],
  ['large messages', 'inboundRate', bytes, 10, 65_536],
] as const)('%s go no faster than the %s', async (_, option, rate, count, size) => {
  const { client, connection } = await pair({ [option]: rate });
  const isOut = option === 'outboundRate';
  const time = await timeFor(isOut ? client : connection, isOut ? connection : client, count, size);
  // The last message may leave a debt behind.
  expectTime(time, ((count * size - size - rate.burstBytes) / rate.bytesPerSecond) * 1000);
});

it.each(['outboundRate', 'inboundRate'] as const)('messages are counted too by the %s', async (option) => {
  const { client, connection } = await pair({ [option]: messages });
  const isOut = option === 'outboundRate';
  const time = await timeFor(isOut ? client : connection, isOut ? connection : client, 1200, 20);
  expectTime(time, 500);
});

it.each(['outboundRate', 'inboundRate'] as const)(
  'a message larger than the burst goes into debt by the %s, and is no deadlock',
  async (option) => {
    const rate = { bytesPerSecond: 1_000_000, burstBytes: 1000 };
    const { client, connection } = await pair({ [option]: rate });
    const isOut = option === 'outboundRate';
    const time = await timeFor(isOut ? client : connection, isOut ? connection : client, 3, 200_000);
    expectTime(time, 400);
  },
);

it('a hard outbound rate drops with its reason', async () => {
  const outboundRate = { messagesPerSecond: 1, burstMessages: 5, hard: true };
  const { client, connection } = await pair({ outboundRate });
  const received: unknown[] = [];
  client.on('message', (message) => received.push(message));
  const run = next(connection, 'dropped');
  const answers = Array.from({ length: 8 }, () => connection.send('x'));
  expect(answers).toEqual(['sent', 'sent', 'sent', 'sent', 'sent', 'dropped', 'dropped', 'dropped']);
  await until(() => received.length === 5, 'what was let through');
  expect((await run)[0]).toEqual({ reason: 'rate-limited', count: 3, bytes: 3 });
  expect(connection.stats().dropped['rate-limited']).toEqual({ messages: 3, bytes: 3 });
  await sleep(1050);
  expect(connection.send('x')).toBe('sent');
});

it('a hard inbound rate ends the connection with its code', async () => {
  const inboundRate = { bytesPerSecond: 1000, burstBytes: 5000, hard: true };
  const { server, connection, peer } = await rawPair({ inboundRate });
  const received: Buffer[] = [];
  connection.on('message', (message) => received.push(message));
  const closed = next(connection, 'close');
  peer.send(Buffer.alloc(20_000));
  await until(() => received.length === 1, 'the one that goes into debt');
  peer.send(Buffer.alloc(10));
  expect((await closed)[0]).toBe(12);
  expect(received.length).toBe(1);
  expect(server.errors.map(({ code }: { code: string }) => code)).toEqual(['ERR_QW_RATE_LIMITED']);
});

it('a hard inbound rate is that of the peer, whatever pauses there were', async () => {
  const inboundRate = { messagesPerSecond: 100, burstMessages: 20, hard: true };
  const { server, connection, peer } = await rawPair({ inboundRate });
  let received = 0;
  connection.on('message', () => (received += 1));
  peer.send('first');
  await until(() => received === 1, 'the first');
  connection.pause();
  for (let index = 0; index < 40; index += 1) {
    peer.send('x');
    await sleep(12);
  }
  connection.resume();
  await until(() => received === 41, 'all of them');
  expect(server.errors).toEqual([]);
});

it('a close waits for what our own rate holds back, longer than for the peer', async () => {
  const outboundRate = { bytesPerSecond: 40_000, burstBytes: 1000 };
  const { client, connection } = await pair({ outboundRate, closeTimeoutMs: 1000 });
  let received = 0;
  client.on('message', (message) => (received += message.length));
  for (let index = 0; index < 4; index += 1) connection.send(Buffer.alloc(20_000));
  const closed = next(connection, 'close');
  await connection.close();
  expect((await closed)[2]).toBe(true);
  expect(received).toBe(80_000);
  expect(connection.stats().bytesDiscarded).toBe(0);
});

it('counts what a rate holds back as queued', async () => {
  const outboundRate = { bytesPerSecond: 25_000, burstBytes: 1000 };
  const { client, connection } = await pair({ outboundRate });
  client.on('message', () => {});
  for (let index = 0; index < 50; index += 1) connection.send(Buffer.alloc(1000));
  await sleep(50);
  const stats = connection.stats();
  expect(stats.bufferedAmount).toBeGreaterThan(10_000);
  expect(stats.bytesWritten + stats.bufferedAmount).toBe(50_000);
  await connection.flushed();
  expect(connection.stats().bytesWritten).toBe(50_000);
});
