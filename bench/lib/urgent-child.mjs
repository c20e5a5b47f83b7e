/** Receives bulk and urgent messages in a process of its own, and says how late the urgent ones were. Started by `peer.mjs`. */
import { setTimeout as sleep } from 'node:timers/promises';

import { listen } from '../../dist/index.js';
import { backendOptions, checkBackend, serveParent } from './child.mjs';

const POLL_MS = 5;

/** Messages of the bulk; and of the urgent ones, ms from `send` to here: one machine has one monotonic clock. */
const received = { bulk: 0, delays: [] };

serveParent({
  async start({ backend, protocol, carrier, size }) {
    const server = await listen(`${carrier}://127.0.0.1:0`, backendOptions(backend, protocol));
    checkBackend(backend, server);
    server.on('error', () => {});
    server.on('message', (message) => {
      if (message.length === size) received.bulk += 1;
      else received.delays.push(Number(process.hrtime.bigint() - message.readBigUInt64BE()) / 1e6);
    });
    return { port: Number(new URL(server.addresses[0]).port) };
  },

  /** Resolves when all of the bulk is here. */
  async finish({ count }) {
    while (received.bulk < count) await sleep(POLL_MS);
    return { delays: received.delays };
  },
});
