/**
 * One subscriber among many reads nothing: what the others notice, what it costs, and whether every message is
 * accounted for, under each overflow policy. As many messages are under way as keep everybody busy: so the rate is
 * what server and subscribers can do, first while all read, then while one does not.
 *
 *   node bench/slow.mjs [--subscribers 1000] [--seconds 4] [--backend native] [--protocol qwh] [--only drop-oldest]
 *
 * Exit code 1 when a sum is not right, more is queued than is allowed, or one of the others missed a message.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { connect } from '../dist/index.js';
import { backendOptions, checkBackend } from './lib/child.mjs';
import { Peer } from './lib/peer.mjs';
import { fixed, table, whole } from './lib/table.mjs';

const POLICIES = ['drop-newest', 'drop-oldest', 'conflate', 'block', 'close'];
/** Bytes of a message. */
const SIZE = 1024;
/** Small, so that one that reads nothing is soon one too many. */
const BOUNDS = { maxQueued: 256 * 1024, highWaterMark: 128 * 1024, lowWaterMark: 32 * 1024 };
/** Clients that connect at a time. */
const AT_ONCE = 50;
/** How often the server is told how far everybody is, ms. */
const REPORT_MS = 2;
const PATIENCE_MS = 60_000;

const HELP = `Measures what one subscriber that does not read costs the others, under each overflow policy.

Usage: node bench/slow.mjs [options]

  --subscribers N   how many, of which one is slow (default 1000)
  --seconds N       with all reading, and again with one that does not (default 4)
  --backend NAME    native or ts, of server and subscribers (default native)
  --protocol NAME   qwh or length-prefixed (default qwh)
  --only NAME       one policy
  --help            this text
`;

const { values: options } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '4' },
    backend: { type: 'string', default: 'native' },
    protocol: { type: 'string', default: 'qwh' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) console.log(HELP);
else await main(options);

async function main({ subscribers, seconds, backend, protocol, only }) {
  const rows = [];
  for (const overflow of POLICIES.filter((policy) => only === undefined || policy === only))
    rows.push(await measure(overflow, Number(subscribers), Number(seconds) * 1000, backend, protocol));
  const columns = [
    { title: 'policy', text: ({ overflow }) => overflow, left: true },
    { title: 'all read: messages/s', text: ({ before }) => whole(before.rate) },
    { title: 'one does not', text: ({ after }) => whole(after.rate) },
    { title: 'of it', text: ({ before, after }) => `${fixed((after.rate / before.rate) * 100, 0)} %` },
    {
      title: 'CPU us/message',
      text: ({ before, after }) => `${fixed(before.cpuUs, 2)}, ${fixed(after.cpuUs, 2)}`,
    },
    { title: 'offered', text: ({ sums }) => whole(sums.offered) },
    { title: '= written', text: ({ sums }) => whole(sums.written) },
    { title: '+ queued', text: ({ sums }) => whole(sums.queued) },
    { title: '+ dropped', text: ({ sums }) => whole(sums.dropped) },
    { title: '+ lost at the end', text: ({ sums }) => whole(sums.lost) },
    { title: 'most queued KiB', text: ({ after }) => whole(after.mostQueued / 1024) },
    { title: 'RSS grew MiB', text: ({ before, after }) => whole((after.rss - before.rss) / 2 ** 20) },
  ];
  console.log(
    `\n${subscribers} subscribers, one of them slow, ${SIZE} B, ${backend}, ${protocol} over tcp; CPU is the server's\n`,
  );
  console.log(table(columns, rows));
  const faults = rows.flatMap(({ overflow, faults: each }) => each.map((fault) => `${overflow}: ${fault}`));
  for (const fault of faults) console.error(`failed: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

async function measure(overflow, count, ms, backend, protocol) {
  const server = new Peer('slow');
  await server.ready();
  const address = await server.ask('start', { backend, protocol, overflow, bounds: BOUNDS });
  // The first is the one that will be slow.
  const clients = [await call(address, backend, protocol)];
  await server.ask('admit', { connections: 1 }, PATIENCE_MS);
  while (clients.length < count) {
    const group = Math.min(AT_ONCE, count - clients.length);
    clients.push(
      ...(await Promise.all(Array.from({ length: group }, () => call(address, backend, protocol)))),
    );
  }
  await server.ask('admit', { connections: count }, PATIENCE_MS);
  const [slow, ...others] = clients;
  const heard = (of) => of.reduce((sum, { received }) => sum + received, 0);
  // The slowest of them says how far they are.
  const report = setInterval(
    () => void server.ask('heard', { rounds: Math.min(...others.map(({ received }) => received)) }),
    REPORT_MS,
  );
  const phase = async () => {
    const [began, had] = [performance.now(), heard(others)];
    const figures = await server.ask('publish', { ms, size: SIZE }, PATIENCE_MS + ms);
    const messages = heard(others) - had;
    return {
      ...figures,
      rate: (messages / (performance.now() - began)) * 1000,
      cpuUs: figures.cpuUs / messages,
    };
  };
  const before = await phase();
  slow.client.pause();
  await server.ask('clog', { size: SIZE }, PATIENCE_MS);
  const after = await phase();
  clearInterval(report);
  await settled(others, before.rounds + after.rounds);
  const sums = await server.ask('sums');
  const faults = [
    sums.offered !== sums.written + sums.queued + sums.dropped + sums.lost && 'the sum is not right',
    sums.dropped + sums.lost === 0 && 'the slow one was not slow enough',
    after.mostQueued > BOUNDS.maxQueued && 'more is queued than is allowed',
    others.some(({ received }) => received !== before.rounds + after.rounds) &&
      'another one missed a message',
  ].filter(Boolean);
  for (const { client } of clients) client.terminate();
  server.kill();
  await server.ended;
  return { overflow, before, after, sums, faults };
}

async function call(address, backend, protocol) {
  const state = { client: undefined, received: 0 };
  const client = await connect(address, {
    ...backendOptions(backend, protocol),
    reconnect: false,
  });
  checkBackend(backend, client);
  state.client = client;
  client.on('error', () => {});
  client.on('message', () => (state.received += 1));
  return state;
}

/** What is under way arrives. */
async function settled(others, rounds) {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (others.some(({ received }) => received < rounds) && performance.now() < giveUpAt) await sleep(10);
}
