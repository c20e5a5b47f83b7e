/** One end of a connection whose rate is measured, in a process of its own. Started by `peer.mjs`. */
import { once } from 'node:events';

import { connect, listen } from '../../dist/index.js';
import { backendOptions, checkBackend, serveParent } from './child.mjs';

let server;
let end;
/** A server has its end a moment after its client. */
let arrived;

/** Sends as fast as it may, until the end. */
async function pour(size) {
  const message = Buffer.alloc(size, 1);
  for (;;) {
    if (end.state !== 'open') return;
    if (end.send(message) === 'backpressure') await end.drained().catch(() => {});
  }
}

/**
 * Measures from the first arrival after `skipMs` to the first one after another `ms`: what comes in bunches is
 * counted in whole ones.
 */
function measure(skipMs, ms) {
  return new Promise((resolve) => {
    let bytes = 0;
    const startAt = performance.now() + skipMs;
    let began;
    const onMessage = (message) => {
      const now = performance.now();
      if (began === undefined && now >= startAt) [began, bytes] = [now, 0];
      if (began !== undefined && now - began >= ms) {
        end.off('message', onMessage);
        end.on('message', () => {});
        resolve({ bytes, ms: now - began });
      }
      bytes += message.length;
    };
    end.on('message', onMessage);
  });
}

serveParent({
  async serve({ backend, options }) {
    server = await listen('tcp://127.0.0.1:0', { ...backendOptions(backend), ...options });
    checkBackend(backend, server);
    arrived = once(server, 'connection').then(([connection]) => (end = connection));
    return server.addresses[0];
  },

  async call({ backend, address }) {
    end = await connect(address, { ...backendOptions(backend), reconnect: false });
    checkBackend(backend, end);
  },

  async send({ size }) {
    await arrived;
    void pour(size);
  },

  async receive({ skipMs, ms }) {
    await arrived;
    return measure(skipMs, ms);
  },

  async stop() {
    end?.terminate();
    await server?.close();
  },
});
