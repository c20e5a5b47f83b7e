/** The server of a pairing, in a process of its own. Started by `peer.mjs`. */
import { setTimeout } from 'node:timers/promises';

import { listen } from '../../dist/index.js';
import { backendOptions, checkBackend, serveParent, usage } from './child.mjs';
import { REPLIES } from './replies.mjs';

/** How often it is looked who is there, ms. */
const POLL = 5;

/** How much a server tells of itself, and how often, ms. */
const INTERVAL = 100;
const on = { logger: () => {}, logLevel: 'debug', onTelemetry: () => {}, telemetryIntervalMs: INTERVAL };
const TELEMETRY = { off: {}, on, profiling: { ...on, profiling: true } };

let server;
/** The first fault: it explains the others. */
let fault;

const fail = (error) => (fault ??= error.message);

serveParent({
  async start({ backend, protocol, scenario, size, telemetry = 'off', batching }) {
    server = await listen('tcp://127.0.0.1:0', {
      ...backendOptions(backend, protocol),
      ...TELEMETRY[telemetry],
      ...(batching && { batching }),
    });
    checkBackend(backend, server);
    server.on('error', fail);
    server.on('handlerError', fail);
    REPLIES[scenario](server, size, fail);
    return server.addresses[0];
  },

  /** The kernel accepts before the server does: a broadcast would miss those that it has not seen yet. */
  async admit({ connections }) {
    while (server.getConnectionCount() < connections) await setTimeout(POLL);
  },

  usage,

  async stop() {
    await server.close({ gracefulMs: 1000 });
    if (fault !== undefined) throw new Error(fault);
  },
});
