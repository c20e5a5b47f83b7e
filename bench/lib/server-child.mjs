/** Our server, in a process of its own. Started by `peer.mjs`. */
import { setTimeout } from 'node:timers/promises';

import { listen } from '../../dist/index.js';
import { injectNativeFailure } from '../../dist/internal.js';
import { backendOptions, checkBackend, serveParent, usage } from './child.mjs';
import { Replies } from './replies.mjs';

/** How often it is looked who is there, ms. */
const POLL = 5;

/** How much a server tells of itself, and how often, ms. */
const INTERVAL = 100;
const on = { logger: () => {}, logLevel: 'debug', onTelemetry: () => {}, telemetryIntervalMs: INTERVAL };
const TELEMETRY = { off: {}, on, profiling: { ...on, profiling: true } };

/** As that of the other servers with compression. */
const DEFLATE = { deflate: { serverNoContextTakeover: true, clientNoContextTakeover: true } };

/** Small, so that one that reads nothing is soon one too many. */
const TIGHT = { maxQueued: 256 * 1024, highWaterMark: 128 * 1024, lowWaterMark: 32 * 1024 };
/** A kernel that has taken nothing for so long takes no more, ms. */
const CLOGGED = 50;

let server;
let replies;
/** The end of one that reads nothing is no orderly one. */
let isTorn;
/** The first fault: it explains the others. */
let fault;

const fail = (error) => (fault ??= error.message);

serveParent({
  async start({ backend, protocol, wire, deflate, telemetry = 'off', ...shape }) {
    server = await listen(`${wire}://127.0.0.1:0`, {
      ...backendOptions(backend, protocol),
      ...TELEMETRY[telemetry],
      ...(deflate && DEFLATE),
      ...(shape.event === 'pause' && TIGHT),
      ...shape.serverOptions,
    });
    checkBackend(backend, server);
    server.on('error', (error) => {
      if (shape.event !== 'break') fail(error);
    });
    server.on('handlerError', fail);
    isTorn = shape.event === 'pause';
    replies = new Replies(server, shape, fail);
    return server.addresses[0];
  },

  /** The kernel accepts before the server does: a broadcast would miss those that it has not seen yet. */
  async admit({ connections }) {
    while (server.getConnectionCount() < connections) await setTimeout(POLL);
  },

  /** Sends to whoever reads nothing, the last to come, what the kernel takes for it, and fills its queue. */
  async clog() {
    const slow = [...server].at(-1);
    const message = Buffer.alloc(1024);
    for (let fullSince = performance.now(); performance.now() < fullSince + CLOGGED; await setTimeout(1)) {
      let accepted = 0;
      while (slow.send(message) !== 'dropped') accepted += 1;
      if (accepted > 0) fullSince = performance.now();
    }
    replies.hasSlow = true;
  },

  usage,

  facts() {
    if (fault !== undefined) throw new Error(fault);
    return { dropped: replies.dropped, mode: server.mode };
  },

  breakDown() {
    injectNativeFailure();
  },

  async stop() {
    await server.close({ gracefulMs: 1000 });
    if (fault !== undefined && !isTorn) throw new Error(fault);
  },
});
