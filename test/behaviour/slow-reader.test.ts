/** A peer that does not read costs a bounded amount of memory, and every byte is accounted for. */
import { expect, it } from 'vitest';
import { rawPair, serve } from '../support/scene.js';
import { RawPeer } from '../support/raw-peer.js';
import { cleanUp } from '../support/scene.js';
import { until } from '../support/wait.js';

const MIB = 1024 * 1024;

it('is offered 250 MB and holds four', async () => {
  const { connection, peer } = await rawPair();
  peer.socket.pause();
  const message = Buffer.alloc(10_000, 7);
  const offered = 25_000;
  const answers: Record<string, number> = { sent: 0, backpressure: 0, dropped: 0 };
  let highest = 0;
  const before = process.memoryUsage().rss;
  for (let i = 0; i < offered; i += 1) {
    answers[connection.send(message)] += 1;
    highest = Math.max(highest, connection.bufferedAmount);
    if (i % 500 === 0) await new Promise(setImmediate);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
  expect(highest).toBeLessThanOrEqual(4 * MIB);
  expect(answers.backpressure).toBeGreaterThan(0);
  expect(answers.dropped).toBeGreaterThan(offered / 2);
  const stats = connection.stats();
  expect(stats.accepted.messages).toBe(answers.sent + answers.backpressure);
  expect(stats.dropped['queue-full'].messages).toBe(answers.dropped);
  expect(stats.accepted.messages + answers.dropped).toBe(offered);
  expect(stats.accepted.bytes).toBe(stats.bytesWritten + stats.bufferedAmount + stats.bytesDiscarded);
  peer.socket.resume();
  await peer.receivedMessages(stats.accepted.messages, message.length);
  // The peer may have the last bytes before they are counted here.
  await connection.flushed();
  expect(connection.stats().bytesWritten).toBe(stats.accepted.bytes);
});

it('holds nobody else up', async () => {
  const server = await serve({ protocol: 'length-prefixed' });
  const slow = await RawPeer.connect(server.addresses[0]);
  slow.socket.pause();
  const fast = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => (slow.destroy(), fast.destroy()));
  await until(() => server.getConnectionCount() === 2, 'both connections');
  const message = Buffer.alloc(10_000, 7);
  const rounds = 2000;
  const total = { accepted: 0, dropped: 0 };
  for (let i = 0; i < rounds; i += 1) {
    const { accepted, dropped } = server.broadcast(message);
    total.accepted += accepted;
    total.dropped += dropped;
    if (i % 20 === 0)
      await until(() => fast.received.length >= (i - 100) * (message.length + 4), 'the fast one');
  }
  await fast.receivedMessages(rounds, message.length);
  expect(total.accepted + total.dropped).toBe(2 * rounds);
  expect(total.dropped).toBeGreaterThan(0);
  const { accepted, dropped, bytesWritten, bufferedAmount, bytesDiscarded } = server.stats();
  expect(accepted.messages).toBe(total.accepted);
  expect(dropped['queue-full'].messages).toBe(total.dropped);
  expect(accepted.bytes).toBe(bytesWritten + bufferedAmount + bytesDiscarded);
});
