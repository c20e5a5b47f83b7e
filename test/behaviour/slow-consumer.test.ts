/** One subscriber of several reads nothing: the others get everything, and all that was published is accounted for. */
import type { Overflow } from 'qwormhole';
import { expect, it } from 'vitest';
import { call, serve } from '../support/scene.js';
import { until } from '../support/wait.js';

const KIB = 1024;
const SIZE = 16 * KIB;
const OTHERS = 5;
const bounds = { maxQueued: 512 * KIB, highWaterMark: 256 * KIB, lowWaterMark: 64 * KIB };
/** More than the kernel takes for somebody who does not read, and the queue behind it. */
const ROUNDS = 1500;
/** Messages that may be on their way to all. */
const UNDER_WAY = 8;

it.each<Overflow>(['drop-newest', 'drop-oldest', 'conflate', 'block', 'close'])(
  'costs the others nothing under %s',
  async (overflow) => {
    const server = await serve({ ...bounds, overflow, closeTimeoutMs: 200 });
    server.on('connection', (connection) => connection.subscribe('news'));
    const slow = await call(server, { reconnect: false });
    slow.on('message', () => {});
    slow.pause();
    const received: number[] = [];
    for (let n = 0; n < OTHERS; n += 1) {
      const other = await call(server, { reconnect: false });
      received[n] = 0;
      other.on('message', () => (received[n] += 1));
    }
    await until(() => server.getSubscriberCount('news') === OTHERS + 1, 'the subscribers');
    const message = Buffer.alloc(SIZE, 1);
    let offered = 0;
    let mostQueued = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { accepted, dropped } = server.publish('news', message, { key: `k${round % 4}` });
      offered += accepted + dropped;
      for (const { bufferedAmount } of server) mostQueued = Math.max(mostQueued, bufferedAmount);
      await until(() => Math.min(...received) > round - UNDER_WAY, 'the others');
    }
    await until(() => Math.min(...received) === ROUNDS, 'all of it at the others');
    expect(received).toEqual(received.map(() => ROUNDS));
    expect(mostQueued).toBeLessThanOrEqual(bounds.maxQueued);
    if (overflow === 'close')
      await until(() => server.getConnectionCount() === OTHERS, 'the end of the slow one');
    const { messagesWritten, bufferedMessages, messagesDiscarded, dropped } = server.telemetry();
    const gone = Object.values(dropped).reduce((sum, { messages }) => sum + messages, 0);
    const lost = messagesDiscarded - dropped.displaced.messages - dropped.conflated.messages;
    expect(gone + lost).toBeGreaterThan(0);
    expect(messagesWritten + bufferedMessages + gone + lost).toBe(offered);
    if (overflow !== 'close') expect(offered).toBe(ROUNDS * (OTHERS + 1));
    slow.terminate();
  },
);
