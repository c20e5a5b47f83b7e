/**
 * A slow link with small buffers, in a process of its own: what comes from one side goes to the other at a rate, in
 * both directions. Started by `peer.mjs`.
 */
import { connect, listen } from '../../dist/index.js';
import { serveParent } from './child.mjs';

/** Of each socket, bytes: what is in them is overtaken by nothing. */
const BUFFER = 64 * 1024;
/** How often there is something to spend again, ms. */
const STEP_MS = 1;
/** Bytes come as they are. Only the native backend sets the size of buffers. */
const MANNER = { protocol: 'raw', preferNative: true, receiveBufferSize: BUFFER, sendBufferSize: BUFFER };

serveParent({
  async start({ port, rate }) {
    const server = await listen('tcp://127.0.0.1:0', { ...MANNER, handshake: 'off' });
    server.on('connection', async (near) => {
      const far = await connect(`tcp://127.0.0.1:${port}`, { ...MANNER, reconnect: false });
      pipe(near, far, rate);
      pipe(far, near, rate);
    });
    return { port: Number(new URL(server.addresses[0]).port) };
  },
});

function pipe(from, to, rate) {
  let left = 0;
  /** The other side takes no more. */
  let isBlocked = false;
  let paidAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // What was not used is lost: a link does not save up.
    left = Math.min(left + ((now - paidAt) / 1000) * rate, BUFFER);
    paidAt = now;
    if (left > 0 && !isBlocked) from.resume();
  }, STEP_MS);
  from.on('message', (chunk) => {
    left -= chunk.length;
    if (to.send(chunk) === 'backpressure') isBlocked = true;
    if (left <= 0 || isBlocked) from.pause();
  });
  to.on('drain', () => (isBlocked = false));
  from.on('error', () => {});
  from.on('close', () => {
    clearInterval(timer);
    to.terminate();
  });
}
