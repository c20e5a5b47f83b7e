/** `send` tells the truth about the queue: sent, backpressure, dropped, and drain when it is time. */
import { expect, it } from 'vitest';
import { pair, rawPair, stuffKernel } from '../support/scene.js';
import { next, until } from '../support/wait.js';

const KIB = 1024;
const BLOCK = Buffer.alloc(16 * KIB, 1);
const bounds = { highWaterMark: 256 * KIB, lowWaterMark: 64 * KIB, maxQueued: 1024 * KIB };

/** Sends until the answer is `answer`; gives how often it was accepted. */
function sendUntil(connection: { send(message: Buffer): string }, answer: string): number {
  for (let accepted = 0; accepted < 100_000; accepted += 1) {
    if (connection.send(BLOCK) === answer) return accepted;
  }
  throw new Error(`never ${answer}`);
}

it('says backpressure at the high watermark and dropped at the cap', async () => {
  const { connection, peer } = await rawPair(bounds);
  peer.socket.pause();
  await stuffKernel(connection, BLOCK);
  sendUntil(connection, 'backpressure');
  expect(connection.bufferedAmount).toBeGreaterThanOrEqual(bounds.highWaterMark);
  sendUntil(connection, 'dropped');
  expect(connection.bufferedAmount).toBeLessThanOrEqual(bounds.maxQueued);
  expect(connection.bufferedAmount).toBeGreaterThan(bounds.maxQueued - 2 * BLOCK.length);
});

it('fires backpressure once, then drain once the queue is low', async () => {
  const { connection, peer } = await rawPair(bounds);
  const events: string[] = [];
  connection.on('backpressure', (amount) =>
    events.push(typeof amount === 'number' ? 'backpressure' : 'nonsense'),
  );
  connection.on('drain', () => {
    events.push('drain');
    expect(connection.bufferedAmount).toBeLessThanOrEqual(bounds.lowWaterMark);
  });
  peer.socket.pause();
  sendUntil(connection, 'dropped');
  expect(events).toEqual(['backpressure']);
  peer.socket.resume();
  await until(() => events.length === 2, 'drain');
  expect(events).toEqual(['backpressure', 'drain']);
  await connection.flushed();
  expect(connection.bufferedAmount).toBe(0);
});

it('counts what a slow reader has as written, although the queue is never empty', async () => {
  const { connection, peer } = await rawPair({ maxQueued: 32_768 * KIB });
  peer.socket.pause();
  await stuffKernel(connection, BLOCK);
  // More than a kernel holds.
  for (let kib = 512; kib <= 16_384; kib += 512) {
    while (connection.bufferedAmount < 16_384 * KIB) connection.send(BLOCK);
    peer.socket.resume();
    await until(() => peer.received.length >= kib * KIB, `${kib} KiB`);
    peer.socket.pause();
    expect(connection.bufferedAmount).toBeGreaterThan(0);
  }
  const { bytesWritten } = connection.stats();
  // Less than all of it are lengths and headers, and two batches of 256 KiB: one that the peer has read most of, and one
  // whose end is not told yet.
  expect(bytesWritten).toBeGreaterThan(16_384 * KIB * 0.99 - 2 * 256 * KIB);
});

it('tells the server too', async () => {
  const { server, connection, peer } = await rawPair(bounds);
  const [pressed, drained, dropped] = [
    next(server, 'backpressure'),
    next(server, 'drain'),
    next(server, 'dropped'),
  ];
  peer.socket.pause();
  sendUntil(connection, 'dropped');
  peer.socket.resume();
  expect((await pressed)[1]).toBe(connection);
  expect((await drained)[0]).toBe(connection);
  connection.send('accepted, which ends the run of drops');
  expect((await dropped)[0]).toMatchObject({ reason: 'queue-full' });
});

it('never drops for those who wait for drained', async () => {
  const { connection, peer } = await rawPair(bounds);
  const total = 400;
  for (let i = 0; i < total; i += 1) {
    const answer = connection.send(BLOCK);
    expect(answer).not.toBe('dropped');
    if (answer === 'backpressure') await connection.drained();
  }
  await peer.receivedMessages(total, BLOCK.length);
  expect(connection.stats().dropped['queue-full'].messages).toBe(0);
});

it('takes one message of any legal size into an empty queue', async () => {
  const { connection, peer } = await rawPair({ maxQueued: 64 * KIB, maxMessage: 1024 * KIB });
  peer.socket.pause();
  const message = Buffer.alloc(1024 * KIB);
  expect(connection.send(message)).not.toBe('dropped');
  let accepted = 1;
  let answer = 'sent';
  for (let i = 0; i < 1000 && answer !== 'dropped'; i += 1) {
    answer = connection.send(message);
    if (answer !== 'dropped') accepted += 1;
    await new Promise(setImmediate);
  }
  expect(answer).toBe('dropped');
  peer.socket.resume();
  await peer.receivedMessages(accepted, message.length);
});

it('counts payload bytes exactly', async () => {
  const { connection, peer } = await rawPair();
  peer.socket.pause();
  connection.send('12345');
  connection.send('grüße');
  connection.send(Buffer.alloc(10));
  expect(connection.bufferedAmount).toBe(5 + 7 + 10);
  await connection.flushed();
  expect(connection.bufferedAmount).toBe(0);
});

it('does not let empty messages in for free', async () => {
  const { connection, peer } = await rawPair(bounds);
  peer.socket.pause();
  await stuffKernel(connection, BLOCK);
  let count = 0;
  while (connection.send('') !== 'dropped') {
    count += 1;
    expect(count).toBeLessThan(1_000_000);
    if (count % 50_000 === 0) await new Promise(setImmediate);
  }
});

it('flushes now when told to', async () => {
  const { connection, peer } = await rawPair();
  connection.send('now');
  connection.flush();
  // No tick of ours has passed, yet the kernel has it: the other end is in this thread.
  expect(connection.bufferedAmount).toBeLessThanOrEqual(3);
  await peer.receivedMessages(1, 3);
});

it('reports one run of drops, with how much it was', async () => {
  const { connection, peer } = await rawPair(bounds);
  peer.socket.pause();
  await stuffKernel(connection, BLOCK);
  const run = next(connection, 'dropped');
  sendUntil(connection, 'dropped');
  for (let i = 0; i < 9; i += 1) expect(connection.send(BLOCK)).toBe('dropped');
  expect(await run).toEqual([{ reason: 'queue-full', count: 10, bytes: 10 * BLOCK.length }]);
});

it('drops beyond the memory budget of the thread', async () => {
  const { connection, peer } = await rawPair({ memoryBudget: 128 * KIB, maxQueued: 4096 * KIB });
  peer.socket.pause();
  const run = next(connection, 'dropped');
  let answer = 'sent';
  for (let i = 0; i < 1000 && answer !== 'dropped'; i += 1) {
    answer = connection.send(BLOCK);
    if (i % 5 === 0) await new Promise(setImmediate);
  }
  expect(answer).toBe('dropped');
  expect((await run)[0].reason).toBe('budget');
});

it('throws for a message above the limit and stays usable', async () => {
  const { client, server } = await pair({ maxMessage: 1000, codec: 'text' }, { maxMessage: 1000 });
  const received = next(server, 'message');
  expect(() => client.send('x'.repeat(1001))).toThrow(expect.objectContaining({ code: 'ERR_QW_TOO_BIG' }));
  expect(() => client.send('ü'.repeat(501))).toThrow(expect.objectContaining({ code: 'ERR_QW_TOO_BIG' }));
  expect(client.send('ü'.repeat(500))).toBe('sent');
  expect((await received)[0]).toBe('ü'.repeat(500));
});
