/**
 * Two servers in a process of their own: one that is drained under load, and one that takes its clients. Started by
 * `peer.mjs`.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { listen } from '../../dist/index.js';
import { backendOptions, checkBackend, serveParent } from './child.mjs';
import { seal } from './sealed.mjs';

/** How often it is looked who is there, and how often everybody is sent something, ms. */
const POLL_MS = 5;
const ROUND_MS = 100;

let servers;
/** Messages that `send` has accepted. */
let accepted = 0;

serveParent({
  async start({ backend, carrier, protocol }) {
    const listening = () => listen(`${carrier}://127.0.0.1:0`, backendOptions(backend, protocol));
    servers = [await listening(), await listening()];
    checkBackend(backend, servers[0]);
    for (const server of servers) server.on('message', () => {});
    return servers.map(({ addresses: [address] }) => address);
  },

  /** The kernel accepts before the server does. */
  async admit({ connections }) {
    while (servers[0].getConnectionCount() < connections) await sleep(POLL_MS);
  },

  /** Drains the first one while it sends, and says how that went; times are of the clock of the machine, ms. */
  async drain({ gracefulMs, spreadMs, size }) {
    const [server] = servers;
    let number = 0;
    const load = setInterval(() => {
      number += 1;
      const message = seal(number, size);
      for (const connection of server) if (connection.send(message) !== 'dropped') accepted += 1;
    }, ROUND_MS);
    await sleep(5 * ROUND_MS);
    const beganAt = Date.now();
    const closing = server.close({ gracefulMs, spreadMs });
    const readyAtOnce = server.ready;
    await closing;
    clearInterval(load);
    const { bytesDiscarded } = server.stats();
    return { beganAt, tookMs: Date.now() - beganAt, readyAtOnce, accepted, bytesDiscarded };
  },

  async stop() {
    await Promise.all(servers.map((server) => server.close()));
  },
});
