/** What becomes of messages that a slow peer has no room for, under each policy; and that the counts add up. */
import type { Connection, Overflow, TrafficStats } from 'qwormhole';
import { expect, it } from 'vitest';
import { clog } from '../support/clog.js';
import { RawPeer } from '../support/raw-peer.js';
import { cleanUp, rawPair, rawServed, serve } from '../support/scene.js';
import { next, until } from '../support/wait.js';

const KIB = 1024;
const SIZE = 8 * KIB;
const bounds = { highWaterMark: 256 * KIB, lowWaterMark: 64 * KIB, maxQueued: 1024 * KIB };
const ROOM = bounds.maxQueued / SIZE;

/** A message that says which it is. */
function numbered(number: number): Buffer {
  const message = Buffer.alloc(SIZE, 0xee);
  message.writeUInt32BE(number);
  return message;
}

const numberOf = (message: Buffer): number => message.readUInt32BE();

function check(stats: TrafficStats): void {
  expect(stats.bytesWritten + stats.bufferedAmount + stats.bytesDiscarded).toBe(stats.accepted.bytes);
  expect(stats.messagesWritten + stats.bufferedMessages + stats.messagesDiscarded).toBe(
    stats.accepted.messages,
  );
}

/** A connection whose peer does not read, with a full kernel and a queue at the high watermark. */
async function clogged(overflow: Overflow, options: object = {}) {
  const scene = await rawPair({ ...bounds, overflow, ...options });
  scene.peer.socket.pause();
  await clog(scene.connection, bounds.highWaterMark, () => scene.connection.send(numbered(0)));
  return { ...scene, before: scene.connection.stats().accepted.messages };
}

/** Lets the peer read until everything is written. */
async function finish(connection: Connection<any>, peer: RawPeer): Promise<Buffer[]> {
  peer.socket.resume();
  await connection.flushed();
  const { messagesWritten } = connection.stats();
  await peer.receivedMessages(messagesWritten, SIZE);
  expect(peer.messages.length).toBe(messagesWritten);
  return peer.messages;
}

it('drop-oldest keeps the newest, in order', async () => {
  const { connection, peer, before } = await clogged('drop-oldest');
  const runs: any[] = [];
  connection.on('dropped', (run) => runs.push(run));
  const total = 3 * ROOM;
  for (let number = 1; number <= total; number += 1) {
    expect(connection.send(numbered(number))).toBe('backpressure');
    expect(connection.bufferedAmount).toBeLessThanOrEqual(bounds.maxQueued);
    if (number % 50 === 0) check(connection.stats());
  }
  const { displaced } = connection.stats().dropped;
  expect(displaced.messages).toBeGreaterThan(ROOM);
  const received = (await finish(connection, peer)).slice(before).map(numberOf);
  expect(received).toEqual(Array.from(received, (_, index) => total - received.length + 1 + index));
  expect(received.length + displaced.messages).toBe(total);
  check(connection.stats());
  expect(connection.stats()).toMatchObject({ bufferedMessages: 0, messagesDiscarded: displaced.messages });
  expect(runs.every(({ reason }) => reason === 'displaced')).toBe(true);
  expect(runs.reduce((sum, { count }) => sum + count, 0)).toBe(displaced.messages);
});

it('drop-oldest drops nothing of a higher class for a lower one', async () => {
  const { connection, peer, before } = await clogged('drop-oldest');
  const answers: string[] = [];
  for (let number = 1; number <= 2 * ROOM; number += 1) connection.send(numbered(number), { class: 'high' });
  for (let number = 1; number <= 10; number += 1)
    answers.push(connection.send(numbered(10_000 + number), { class: 'low' }));
  expect(new Set(answers)).toEqual(new Set(['dropped']));
  expect(connection.stats().dropped['queue-full'].messages).toBe(10);
  const received = (await finish(connection, peer)).map(numberOf);
  expect(received.slice(-3)).not.toContain(10_001);
  expect(received.length).toBeGreaterThan(before);
  expect(Math.max(...received)).toBe(2 * ROOM);
});

it('conflate keeps the latest of each key, in the place of the first', async () => {
  const { connection, peer, before } = await clogged('conflate');
  const keys = ['a', 'b', 'c', 'd', 'e'];
  const rounds = 200;
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, key] of keys.entries())
      expect(connection.send(numbered(round * keys.length + index), { key })).toBe('backpressure');
  }
  check(connection.stats());
  const received = (await finish(connection, peer)).slice(before).map(numberOf);
  expect(received.slice(-keys.length)).toEqual(keys.map((_, index) => (rounds - 1) * keys.length + index));
  const { conflated } = connection.stats().dropped;
  expect(received.length + conflated.messages).toBe(rounds * keys.length);
  expect(conflated.messages).toBeGreaterThan((rounds - 60) * keys.length);
  check(connection.stats());
});

it('conflate has the latest of a key replace the one of another class', async () => {
  const { connection, peer, before } = await clogged('conflate');
  connection.send(numbered(1), { key: 'k', class: 'low' });
  connection.send(numbered(2), { key: 'k', class: 'normal' });
  connection.send(numbered(3), { key: 'k', class: 'low' });
  const received = (await finish(connection, peer)).slice(before).map(numberOf);
  expect(received.at(-1)).toBe(3);
  expect(connection.stats().dropped.conflated.messages).toBe(3 - received.length);
});

it('high overtakes what waits above the high watermark', async () => {
  const { connection, peer } = await clogged('drop-oldest');
  for (let number = 1; number <= 40; number += 1) connection.send(numbered(number));
  connection.send(numbered(1000), { class: 'high' });
  const received = (await finish(connection, peer)).map(numberOf);
  expect(received.indexOf(1000)).toBeLessThan(received.indexOf(40) - 20);
  expect(received.filter((number) => number > 0 && number < 1000)).toEqual(
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
});

it('close ends the connection of who is too slow', async () => {
  const { server, connection } = await clogged('close', { closeTimeoutMs: 200 });
  const closed = next(connection, 'close');
  const dropped = next(server, 'dropped');
  let answer = '';
  for (let number = 0; number < 2 * ROOM && answer !== 'dropped'; number += 1)
    answer = connection.send(numbered(number));
  expect(answer).toBe('dropped');
  expect(connection.state).toBe('closing');
  expect((await dropped)[0]).toMatchObject({ reason: 'queue-full', count: 1 });
  expect((await closed).slice(0, 2)).toEqual([4, 'the queue is full']);
  check(connection.stats());
  expect(server.stats().messagesDiscarded).toBeGreaterThan(0);
});

it('close has a client connect again', async () => {
  const { client, peer, raw } = await rawServed({
    ...bounds,
    overflow: 'close',
    closeTimeoutMs: 200,
    reconnect: { baseMs: 10, capMs: 10 },
  });
  peer.socket.pause();
  const lost = next(client, 'disconnect');
  let answer = '';
  for (let number = 0; number < 10_000 && answer !== 'dropped'; number += 1) {
    answer = client.send(numbered(number));
    if (number % 20 === 0) await new Promise(setImmediate);
  }
  expect((await lost).slice(0, 2)).toEqual([4, 'the queue is full']);
  const again = await raw.peer(1);
  expect(client.send(numbered(7))).not.toBe('dropped');
  await until(() => again.messages.length > 0, 'a message on the new connection');
  check(client.stats());
});

it('block never drops for those who wait, however large their messages', async () => {
  const { connection, peer } = await rawPair({
    overflow: 'block',
    maxQueued: 64 * KIB,
    maxMessage: 256 * KIB,
  });
  const sizes = [10, 200 * KIB, 60 * KIB, 1000, 256 * KIB];
  const sent: Buffer[] = [];
  for (let round = 0; round < 40; round += 1) {
    const message = Buffer.alloc(sizes[round % sizes.length], round);
    const answer = connection.send(message);
    expect(answer).not.toBe('dropped');
    sent.push(message);
    if (answer === 'backpressure') await connection.drained();
  }
  const closed = connection.close();
  await peer.ended();
  peer.end();
  await closed;
  expect(Buffer.concat(peer.messages).equals(Buffer.concat(sent))).toBe(true);
});

it('close() and flushed() take along what waits', async () => {
  const { connection, peer, before } = await clogged('drop-oldest');
  for (let number = 1; number <= 60; number += 1) connection.send(numbered(number));
  const closed = connection.close();
  peer.socket.resume();
  await peer.ended();
  peer.end();
  await closed;
  expect(peer.messages.slice(before).map(numberOf)).toEqual(
    Array.from({ length: 60 }, (_, index) => index + 1),
  );
  check(connection.stats());
  expect(connection.stats()).toMatchObject({ messagesDiscarded: 0, bufferedMessages: 0 });
});

it('what waits is lost with the connection, and counted', async () => {
  const { server, connection } = await clogged('drop-oldest');
  for (let number = 1; number <= 60; number += 1) connection.send(numbered(number));
  connection.terminate();
  await until(() => connection.state === 'closed', 'the end');
  check(connection.stats());
  expect(connection.stats().messagesDiscarded).toBeGreaterThanOrEqual(60);
  check(server.stats());
  expect(server.stats().bufferedMessages).toBe(0);
});

it('says drain when the queue is low, and not before', async () => {
  const { connection, peer } = await clogged('drop-oldest');
  for (let number = 1; number <= 90; number += 1) connection.send(numbered(number));
  const amounts: number[] = [];
  connection.on('drain', () => amounts.push(connection.bufferedAmount));
  peer.socket.resume();
  await connection.drained();
  expect(amounts.length).toBe(1);
  expect(amounts[0]).toBeLessThanOrEqual(bounds.lowWaterMark);
  expect(connection.send(numbered(1))).toBe('sent');
});

it.each(['drop-newest', 'drop-oldest', 'conflate', 'block', 'close'] as const)(
  'one slow of many costs the others nothing under %s',
  async (overflow) => {
    const server = await serve({ ...bounds, protocol: 'length-prefixed', closeTimeoutMs: 500 });
    const peers: RawPeer[] = [];
    for (let index = 0; index < 5; index += 1) peers.push(await RawPeer.connect(server.addresses[0]));
    cleanUp(() => peers.forEach((peer) => peer.destroy()));
    await until(() => server.getConnectionCount() === 5, 'all connections');
    for (const connection of server) connection.subscribe('news');
    const [slow, ...fast] = peers;
    slow.socket.pause();
    const rounds = 1600;
    const total = { accepted: 0, dropped: 0 };
    for (let round = 0; round < rounds; round += 1) {
      const { accepted, dropped } = server.publish('news', numbered(round), {
        overflow,
        key: `${round % 7}`,
      });
      total.accepted += accepted;
      total.dropped += dropped;
      if (round % 5 !== 0) continue;
      check(server.stats());
      // What has come may still count as queued for a moment: few enough are under way for that to be no pressure.
      const least = (round - 5) * SIZE;
      await until(() => fast.every((peer) => peer.received.length >= least), 'the fast ones');
    }
    for (const peer of fast) await peer.receivedMessages(rounds, SIZE);
    const stats = server.stats();
    expect(stats.accepted.messages).toBe(total.accepted);
    const { displaced, conflated } = stats.dropped;
    const refused = stats.dropped['queue-full'].messages + stats.dropped.closed.messages;
    expect(refused).toBe(total.dropped);
    const lost = stats.messagesDiscarded - displaced.messages - conflated.messages;
    const { messagesWritten, bufferedMessages } = stats;
    const dropped = refused + displaced.messages + conflated.messages;
    // Under `close` there is one subscriber fewer from some round on.
    const offered = total.accepted + total.dropped;
    expect(messagesWritten + bufferedMessages + lost + dropped).toBe(offered);
    if (overflow === 'close') expect(offered).toBeLessThan(rounds * 5);
    else expect(offered).toBe(rounds * 5);
    expect(dropped).toBeGreaterThan(0);
  },
);

it('can be changed for one connection, and refuses what is no policy or key', async () => {
  const { connection } = await rawPair();
  expect(connection.overflow).toBe('drop-newest');
  connection.overflow = 'conflate';
  expect(connection.overflow).toBe('conflate');
  const refused = expect.objectContaining({ code: 'ERR_QW_OPTION_INVALID' });
  expect(() => (connection.overflow = 'drop-some' as never)).toThrow(refused);
  expect(() => connection.send('x', { key: '' })).toThrow(refused);
  expect(() => connection.send('x', { key: 7 as never })).toThrow(refused);
  expect(() => connection.send('x', { key: 'k'.repeat(257) })).toThrow(refused);
});
