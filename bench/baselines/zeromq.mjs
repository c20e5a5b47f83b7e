/** An echo server on zeromq.js, a ROUTER for the clients' DEALERs: `node zeromq.mjs [--port 0]`. */
import { Router } from 'zeromq';

import { announce, portFromArguments } from './serve.mjs';

const router = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 0 });
const port = portFromArguments();
await router.bind(`tcp://127.0.0.1:${port === 0 ? '*' : port}`);
announce(Number(new URL(router.lastEndpoint).port));
for await (const frames of router) await router.send(frames);
