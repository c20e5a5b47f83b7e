/** A server that publishes to many, of whom one may be slow, in a process of its own. Started by `peer.mjs`. */
import { setTimeout as sleep } from 'node:timers/promises';

import { listen } from '../../dist/index.js';
import { backendOptions, checkBackend, serveParent, usage } from './child.mjs';

/** How often it is looked who is there, ms. */
const POLL_MS = 5;
/** Messages that may be on their way to everybody. */
const UNDER_WAY = 16;
/** Values that messages are the latest of. */
const KEYS = 16;
const TOPIC = 'news';

/** Bytes queued for the slow one to begin with. */
const CLOG = 192 * 1024;
/** A kernel that has taken nothing for so long takes no more, ms. */
const CLOGGED_MS = 50;

let server;
/** Messages published, and deliveries asked for. */
let rounds = 0;
let offered = 0;
/** The connection of the slow one. */
let slow;
/** Messages that everybody has but the slow one. */
let heard = 0;

function mostQueued() {
  let most = 0;
  for (const { bufferedAmount } of server) most = Math.max(most, bufferedAmount);
  return most;
}

serveParent({
  async start({ backend, protocol, overflow, bounds }) {
    server = await listen('tcp://127.0.0.1:0', { ...backendOptions(backend, protocol), ...bounds, overflow });
    checkBackend(backend, server);
    server.on('error', () => {});
    server.on('connection', (connection) => {
      slow ??= connection;
      connection.subscribe(TOPIC);
    });
    return server.addresses[0];
  },

  async admit({ connections }) {
    while (server.getConnectionCount() < connections) await sleep(POLL_MS);
  },

  heard({ rounds: count }) {
    heard = count;
  },

  /** Sends to the slow one what the kernel takes for it, which is a lot more than its queue. */
  async clog({ size }) {
    const message = Buffer.alloc(size, 2);
    for (let fullAt; fullAt === undefined || performance.now() < fullAt + CLOGGED_MS; await sleep(1)) {
      if (slow.bufferedAmount === 0) fullAt = undefined;
      else fullAt ??= performance.now();
      while (slow.bufferedAmount < CLOG && slow.send(message) !== 'dropped') offered += 1;
    }
  },

  /** Publishes for a while, as fast as everybody but the slow one hears it. */
  async publish({ ms, size }) {
    const [before, had] = [usage(), rounds];
    const message = Buffer.alloc(size, 1);
    const endAt = performance.now() + ms;
    let most = 0;
    while (performance.now() < endAt) {
      for (; rounds < heard + UNDER_WAY; rounds += 1) {
        const { accepted, dropped } = server.publish(TOPIC, message, { key: `k${rounds % KEYS}` });
        offered += accepted + dropped;
      }
      most = Math.max(most, mostQueued());
      await sleep(1);
    }
    const { cpuUs, rss } = usage();
    return { rounds: rounds - had, cpuUs: cpuUs - before.cpuUs, rss, mostQueued: most };
  },

  /** Where all that was offered is. */
  sums() {
    const { messagesWritten, bufferedMessages, messagesDiscarded, dropped } = server.telemetry();
    const total = Object.values(dropped).reduce((sum, { messages }) => sum + messages, 0);
    // What was accepted before it was dropped counts as discarded, too.
    const lost = messagesDiscarded - dropped.displaced.messages - dropped.conflated.messages;
    return { offered, written: messagesWritten, queued: bufferedMessages, dropped: total, lost };
  },
});
