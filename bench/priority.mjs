/**
 * Urgent messages among bulk: a producer pushes 100 MB of low-priority data through a link of 10 MB/s, waiting for
 * `drained()` as one should, and sends a message of 100 bytes now and then. How late do those arrive, with classes and
 * without?
 *
 *   node bench/priority.mjs [--megabytes 100] [--rate 10] [--carrier tcp] [--protocol qwh]
 *
 * The link is a proxy in a process of its own, with small buffers, as a link has. Exit code 1 when with classes the
 * native backend's median is 50 ms or more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { connect } from '../dist/index.js';
import { quantile } from './lib/bars.mjs';
import { backendOptions, checkBackend } from './lib/child.mjs';
import { Peer } from './lib/peer.mjs';
import { fixed, table, whole } from './lib/table.mjs';

const BULK_SIZES = [64 * 1024, 1024 * 1024];
/** Bytes of an urgent message, and how often one is sent, ms. */
const URGENT = 100;
const EVERY_MS = 25;
/** What the native backend has to reach with classes: the median, ms. */
const AIM_MS = 50;
const PATIENCE_MS = 120_000;

const HELP = `Measures how late urgent messages arrive that are sent among bulk over a slow link.

Usage: node bench/priority.mjs [options]

  --megabytes N     bulk that is pushed (default 100)
  --rate N          of the link, MB/s (default 10)
  --carrier NAME    tcp or ws (default tcp)
  --protocol NAME   qwh, length-prefixed or raw (default qwh)
  --help            this text
`;

const { values: options } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '100' },
    rate: { type: 'string', default: '10' },
    carrier: { type: 'string', default: 'tcp' },
    protocol: { type: 'string', default: 'qwh' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) console.log(HELP);
else await main(options);

async function main({ megabytes, rate, carrier, protocol }) {
  const rows = [];
  for (const size of BULK_SIZES)
    for (const backend of ['native', 'ts'])
      for (const classes of [true, false]) {
        const cell = { backend, classes, size, carrier, protocol };
        rows.push(await measure(cell, Number(megabytes) * 1e6, Number(rate) * 1e6));
      }
  const columns = [
    { title: 'bulk', text: ({ size }) => `${size / 1024} KiB` },
    { title: 'backend', text: ({ backend }) => backend, left: true },
    { title: 'classes', text: ({ classes }) => (classes ? 'high, low' : 'none'), left: true },
    { title: 'urgent', text: ({ delays }) => whole(delays.length) },
    { title: 'median ms', text: ({ delays }) => fixed(quantile(delays, 0.5), 1) },
    { title: '99 % ms', text: ({ delays }) => fixed(quantile(delays, 0.99), 1) },
    { title: 'most ms', text: ({ delays }) => fixed(Math.max(...delays), 1) },
    { title: 'bulk MB/s', text: ({ throughput }) => fixed(throughput / 1e6, 2) },
  ];
  console.log(
    `${megabytes} MB over a link of ${rate} MB/s, ${protocol} over ${carrier}\n\n${table(columns, rows)}`,
  );
  const late = rows.filter(
    ({ backend, classes, delays }) => backend === 'native' && classes && quantile(delays, 0.5) >= AIM_MS,
  );
  for (const { size } of late) console.error(`failed: urgent among ${size} B is late`);
  if (late.length > 0) process.exitCode = 1;
}

async function measure({ backend, classes, size, carrier, protocol }, bulk, rate) {
  const [receiver, link] = [new Peer('urgent'), new Peer('link')];
  await Promise.all([receiver.ready(), link.ready()]);
  const { port } = await receiver.ask('start', { backend, protocol, carrier, size });
  const through = await link.ask('start', { port, rate });
  const address = `${carrier}://127.0.0.1:${through.port}`;
  const client = await connect(address, { ...backendOptions(backend, protocol), reconnect: false });
  checkBackend(backend, client);
  const began = performance.now();
  const count = Math.ceil(bulk / size);
  const pushed = push(client, count, size, classes ? { class: 'low' } : {});
  const stop = urge(client, classes ? { class: 'high' } : {});
  await pushed;
  stop();
  const { delays } = await receiver.ask('finish', { count }, PATIENCE_MS);
  const throughput = (count * size * 1000) / (performance.now() - began);
  client.terminate();
  for (const peer of [receiver, link]) {
    peer.kill();
    await peer.ended;
  }
  return { backend, classes, size, delays, throughput };
}

/** Pushes the bulk as fast as the connection takes it. */
async function push(client, count, size, manner) {
  const message = Buffer.alloc(size, 1);
  for (let sent = 0; sent < count; sent += 1) {
    const answer = client.send(message, manner);
    if (answer === 'dropped') throw new Error('a message of the bulk was dropped');
    if (answer === 'backpressure') await client.drained();
    // A program does other things too.
    else await sleep(0);
  }
  await client.flushed();
}

/** Sends an urgent message now and then, which says when that was. */
function urge(client, manner) {
  const timer = setInterval(() => {
    const message = Buffer.alloc(URGENT);
    message.writeBigUInt64BE(process.hrtime.bigint());
    client.send(message, manner);
  }, EVERY_MS);
  return () => clearInterval(timer);
}
