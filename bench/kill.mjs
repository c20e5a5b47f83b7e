/**
 * A server that dies in the middle of things: its process is killed under load, again and again, and another one
 * takes its place. Clients must come back by themselves, none may give up, and nobody may ever get a part of a
 * message.
 *
 *   node bench/kill.mjs [--kills 100] [--clients 50] [--backend native] [--carrier tcp] [--protocol qwh]
 *
 * Exit code 1 when a client gave up or did not come back in time, or a message was not whole.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { connect } from '../dist/index.js';
import { bars, quantile } from './lib/bars.mjs';
import { backendOptions, checkBackend } from './lib/child.mjs';
import { Peer } from './lib/peer.mjs';
import { seal, unseal } from './lib/sealed.mjs';

/** How long the load runs before a kill, ms: it hits in no particular place. */
const LIFE_MS = { least: 20, more: 180 };
/** All clients must be back so long after the server, ms: a failed attempt or two, and a busy machine. */
const PATIENCE_MS = 60_000;
/** Pauses are drawn from nothing up to these, ms. The server seldom lives longer, so they grow to the cap. */
const RECONNECT = { baseMs: 50, capMs: 1000 };
/** From messages of one segment to such that take many writes, bytes. */
const SIZES = [16, 1000, 20_000, 300_000];

const HELP = `Kills a server's process under load and shows how its clients come back.

Usage: node bench/kill.mjs [options]

  --kills N         how often (default 100)
  --clients N       how many clients (default 50)
  --backend NAME    native or ts, of server and clients (default native)
  --protocol NAME   qwh, length-prefixed or raw (default qwh)
  --carrier NAME    tcp or ws (default tcp)
  --help            this text
`;

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    clients: { type: 'string', default: '50' },
    backend: { type: 'string', default: 'native' },
    carrier: { type: 'string', default: 'tcp' },
    protocol: { type: 'string', default: 'qwh' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) console.log(HELP);
else await main(options);

async function main({ kills, clients: count, backend, carrier, protocol }) {
  let server = await started();
  const address = await server.ask('start', {
    backend,
    protocol,
    address: `${carrier}://127.0.0.1:0`,
  });
  const clients = await Promise.all(
    Array.from({ length: Number(count) }, () => call(address, backend, protocol)),
  );
  const times = [];
  for (let kill = 0; kill < Number(kills); kill += 1) {
    // The next one is there already and only has to listen.
    const next = await started();
    await sleep(LIFE_MS.least + Math.random() * LIFE_MS.more);
    const lost = clients.map(({ losses }) => losses);
    const killedAt = performance.now();
    server.kill();
    await server.ended;
    server = next;
    await server.ask('start', { backend, protocol, address }, PATIENCE_MS);
    const upAt = performance.now();
    times.push(...(await Promise.all(clients.map((client, at) => back(client, lost[at], upAt)))));
    if (process.stdout.isTTY) process.stdout.write(`\rkill ${kill + 1} of ${kills}`);
    if (upAt - killedAt > PATIENCE_MS) throw new Error('the server took too long to come back');
  }
  for (const { client } of clients) client.removeAllListeners('close');
  await Promise.all(clients.map(({ client }) => client.close()));
  server.kill();
  report(clients, times, { kills, backend, carrier, protocol });
}

async function started() {
  const server = new Peer('echo', undefined, ({ partial }) =>
    fail(`the server got ${partial} bytes of a message`),
  );
  await server.ready(PATIENCE_MS);
  return server;
}

/** A client under load: a message of each size is always under way. */
async function call(address, backend, protocol) {
  const state = { client: undefined, losses: 0, readyAt: 0, sent: 0, received: 0 };
  const client = await connect(address, {
    ...backendOptions(backend, protocol),
    offlineQueue: false,
    reconnect: RECONNECT,
  });
  checkBackend(backend, client);
  state.client = client;
  client.on('error', () => {});
  client.on('disconnect', () => (state.losses += 1));
  client.on('ready', () => (state.readyAt = performance.now()));
  client.on('close', () => fail('a client gave up'));
  client.on('message', (message) => {
    if (unseal(message) === -1) fail(`a client got ${message.length} bytes of a message`);
    state.received += 1;
    push(state);
  });
  client.on('ready', () => push(state, SIZES.length));
  push(state, SIZES.length);
  return state;
}

/** Sends another one, or several. */
function push(state, count = 1) {
  for (let n = 0; n < count && state.client.state === 'open'; n += 1) {
    state.sent += 1;
    state.client.send(seal(state.sent, SIZES[state.sent % SIZES.length]));
  }
}

/** How long after the server a client is back, ms. */
async function back(state, lossesBefore, upAt) {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (state.losses === lossesBefore || state.client.state !== 'open') {
    if (performance.now() > giveUpAt) fail('a client did not come back');
    await sleep(1);
  }
  return Math.max(state.readyAt - upAt, 0);
}

function report(clients, times, { kills, backend, carrier, protocol }) {
  const received = clients.reduce((sum, each) => sum + each.received, 0);
  const losses = clients.reduce((sum, each) => sum + each.losses, 0);
  console.log(`\n${kills} kills, ${clients.length} clients, ${backend}, ${protocol} over ${carrier}`);
  console.log(`${losses} losses, ${received} messages came back, all of them whole; nobody gave up`);
  console.log(
    `pauses up to ${RECONNECT.capMs} ms; back after the server: median ${Math.round(quantile(times, 0.5))} ms, 99 % ${Math.round(quantile(times, 0.99))} ms\n`,
  );
  console.log(bars(times));
}

function fail(why) {
  console.error(`\nfailed: ${why}`);
  process.exit(1);
}
