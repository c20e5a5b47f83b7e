/**
 * A server that drains under load: its clients are sent what was accepted, told to go, and come back, spread over a
 * time, at another server.
 *
 *   node bench/drain.mjs [--clients 1000] [--graceful 5000] [--spread 2000] [--backend native] [--carrier ws]
 *                          [--protocol qwh]
 *
 * Exit code 1 when a message that was accepted is missing, the deadline did not hold, or the server was ready while
 * it drained.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { connect } from '../dist/index.js';
import { bars } from './lib/bars.mjs';
import { backendOptions, checkBackend } from './lib/child.mjs';
import { Peer } from './lib/peer.mjs';
import { unseal } from './lib/sealed.mjs';

/** Bytes of a message. */
const SIZE = 1000;
/** Clients that connect at a time. */
const AT_ONCE = 50;
/** What timers and a busy machine may add to the deadline, ms. */
const TOLERANCE_MS = 500;
const PATIENCE_MS = 30_000;

const HELP = `Drains a server under load and shows when its clients come back, at another one.

Usage: node bench/drain.mjs [options]

  --clients N       how many clients (default 1000)
  --graceful MS     time for all of it (default 5000)
  --spread MS       over which clients come back (default 2000)
  --backend NAME    native or ts, of servers and clients (default native)
  --protocol NAME   qwh, length-prefixed or raw (default qwh)
  --carrier NAME    tcp or ws (default ws)
  --help            this text
`;

const { values: options } = parseArgs({
  options: {
    clients: { type: 'string', default: '1000' },
    graceful: { type: 'string', default: '5000' },
    spread: { type: 'string', default: '2000' },
    backend: { type: 'string', default: 'native' },
    carrier: { type: 'string', default: 'ws' },
    protocol: { type: 'string', default: 'qwh' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) console.log(HELP);
else await main(options);

async function main({ clients: count, graceful, spread, backend, carrier, protocol }) {
  const servers = new Peer('drain');
  await servers.ready();
  const endpoints = await servers.ask('start', { backend, carrier, protocol });
  const clients = [];
  while (clients.length < Number(count)) {
    const group = Math.min(AT_ONCE, Number(count) - clients.length);
    clients.push(
      ...(await Promise.all(Array.from({ length: group }, () => call(endpoints, backend, protocol)))),
    );
  }
  await servers.ask('admit', { connections: clients.length });
  const [gracefulMs, spreadMs] = [Number(graceful), Number(spread)];
  const drained = await servers.ask('drain', { gracefulMs, spreadMs, size: SIZE }, PATIENCE_MS + gracefulMs);
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (clients.some(({ backAt }) => backAt === undefined) && performance.now() < giveUpAt) await sleep(10);
  report(clients, drained, { gracefulMs, spreadMs, backend, carrier, protocol });
  await Promise.all(clients.map(({ client }) => client.close()));
  await servers.ask('stop');
  servers.kill();
}

async function call(endpoints, backend, protocol) {
  const state = { client: undefined, received: 0, lostAt: undefined, code: undefined, backAt: undefined };
  const client = await connect(endpoints, backendOptions(backend, protocol));
  checkBackend(backend, client);
  state.client = client;
  client.on('error', () => {});
  client.on('message', (message) => {
    if (unseal(message) !== -1) state.received += 1;
  });
  client.on('disconnect', (code) => Object.assign(state, { lostAt: Date.now(), code }));
  client.on('ready', () => (state.backAt = Date.now()));
  return state;
}

function report(clients, drained, { gracefulMs, spreadMs, backend, carrier, protocol }) {
  const received = clients.reduce((sum, each) => sum + each.received, 0);
  const since = (field) => clients.map((each) => each[field] - drained.beganAt).filter((ms) => ms >= 0);
  const codes = new Set(clients.map(({ code }) => code));
  console.log(
    `${clients.length} clients, close({ gracefulMs: ${gracefulMs}, spreadMs: ${spreadMs} }), ${backend}, ${protocol} over ${carrier}`,
  );
  console.log(
    `${drained.accepted} messages accepted, ${received} received whole, ${drained.bytesDiscarded} bytes discarded`,
  );
  console.log(`drained after ${drained.tookMs} ms; close codes at the clients: ${[...codes].join(', ')}`);
  console.log(`\nsent away, after the beginning:\n${bars(since('lostAt'))}`);
  console.log(`\nback at the other server:\n${bars(since('backAt'))}`);
  const faults = [
    received !== drained.accepted && 'messages are missing',
    drained.tookMs > Math.max(gracefulMs, spreadMs) + TOLERANCE_MS && 'the deadline did not hold',
    drained.readyAtOnce && 'the server was ready while it drained',
    since('backAt').length !== clients.length && 'some clients did not come back',
  ].filter(Boolean);
  for (const fault of faults) console.error(`failed: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}
