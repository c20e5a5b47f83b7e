/**
 * How exactly rates are held: measured over configured payload bytes per second, in both directions, on both
 * backends, for small and large messages.
 *
 *   node bench/rates.mjs [--seconds 10] [--rates 1e5,1e6,1e7,1e8] [--sizes 16,1024,65536] [--burst BYTES] [--json FILE]
 *
 * Exit code 1 when a cell is off by more than 5 %, or broke.
 */
import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { nativeBackend } from './lib/backends.mjs';
import { describeMachine, machine } from './lib/machine.mjs';
import { Peer } from './lib/peer.mjs';
import { Progress } from './lib/progress.mjs';
import { bytes, fixed, table, whole } from './lib/table.mjs';

/** Cells whose unthrottled rate is not this many times the configured one say nothing about the throttle. */
const REACHABLE = 1.25;
/** Largest error that is in order. */
const TOLERANCE = 0.05;
/** What is left out at least, ms, and how many times as long as the burst of a second's worth takes. */
const SKIP_MS = 1500;
const SKIP_BURSTS = 2;
/** How long it is measured without a rate, ms. */
const FREE_MS = 1000;
/** How often a cell that is off is measured: the machine may have been busy with something else. */
const ATTEMPTS = 2;
const DIRECTIONS = ['outbound', 'inbound'];

const HELP = `Measures how exactly rates are held.

Usage: node bench/rates.mjs [options]

  --seconds N         how long each cell is measured (default 10)
  --rates LIST        payload bytes per second (default 1e5,1e6,1e7,1e8)
  --sizes LIST        bytes of a message (default 16,1024,65536)
  --burst BYTES       what may pass at once (default: a second's worth)
  --backends LIST     native, ts (default both)
  --directions LIST   outbound, inbound (default both)
  --json FILE         write the figures to a file as well
  --help              this text

Example:
  node bench/rates.mjs --rates 1e6 --sizes 1024 --seconds 3
`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      rates: { type: 'string', default: '1e5,1e6,1e7,1e8' },
      sizes: { type: 'string', default: '16,1024,65536' },
      burst: { type: 'string' },
      backends: { type: 'string', default: 'native,ts' },
      directions: { type: 'string', default: DIRECTIONS.join() },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const numbers = (name) => values[name].split(',').map(Number);
  const [seconds] = numbers('seconds');
  if (!(seconds > 0 && seconds <= 600)) throw new Error('--seconds is a number above 0, at most 600');
  const [rates, sizes] = [numbers('rates'), numbers('sizes')];
  if (!rates.every((rate) => rate >= 1000)) throw new Error('--rates are numbers from 1000 on');
  if (!sizes.every((size) => Number.isInteger(size) && size > 0))
    throw new Error('--sizes are integers above 0');
  const burst = values.burst && Number(values.burst);
  if (burst !== undefined && !(Number.isInteger(burst) && burst > 0))
    throw new Error('--burst is an integer above 0');
  const [backends, directions] = [values.backends.split(','), values.directions.split(',')];
  if (!directions.every((each) => DIRECTIONS.includes(each)))
    throw new Error('--directions are outbound, inbound');
  return { ...values, seconds, rates, sizes, burst, backends, directions };
}

/** Payload bytes per second of one connection whose server has the rate. */
async function throughput({ backend, direction, size, options, skipMs, ms }) {
  const [server, client] = [new Peer('rate'), new Peer('rate')];
  try {
    await Promise.all([server.ready(), client.ready()]);
    const address = await server.ask('serve', { backend, options });
    await client.ask('call', { backend, address });
    const [sender, receiver] = direction === 'outbound' ? [server, client] : [client, server];
    const measured = receiver.ask('receive', { skipMs, ms }, 3 * (skipMs + ms) + 60_000);
    await sender.ask('send', { size });
    const found = await measured;
    return (found.bytes / found.ms) * 1000;
  } finally {
    server.kill();
    client.kill();
  }
}

/** What one connection carries without a rate. */
function freeRate(place) {
  return throughput({ ...place, options: {}, skipMs: FREE_MS / 2, ms: FREE_MS });
}

async function column(place, settings, progress) {
  const where = `  ${place.backend}, ${place.direction}, ${bytes(place.size)}`.padEnd(30);
  progress.begin(`${where} not bounded`);
  const free = await freeRate(place);
  progress.end(`${whole(free / 1000)} kB/s`);
  const cells = [];
  for (const rate of settings.rates) {
    const cell = { ...place, rate, free };
    cells.push(cell);
    if (free < REACHABLE * rate) continue;
    progress.begin(`${where} ${whole(rate / 1000)} kB/s`);
    await fill(cell, place, settings);
    progress.end(fixed(cell.ratio, 4) ?? 'not reachable any more');
  }
  return cells;
}

/** Measures a cell; one that is off is measured again if the machine still carries enough for it. */
async function fill(cell, place, { seconds, burst }) {
  const { rate } = cell;
  const options = { [`${place.direction}Rate`]: { bytesPerSecond: rate, burstBytes: burst } };
  const skipMs = SKIP_MS + (SKIP_BURSTS * 1000 * (burst ?? rate)) / (cell.free - rate);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    cell.measured = await throughput({ ...place, options, skipMs, ms: seconds * 1000 });
    cell.ratio = cell.measured / rate;
    if (Math.abs(cell.ratio - 1) <= TOLERANCE) return;
    cell.free = await freeRate(place);
    if (cell.free >= REACHABLE * rate) continue;
    cell.ratio = undefined;
    return;
  }
}

const COLUMNS = [
  { title: 'backend', text: ({ backend }) => backend, left: true },
  { title: 'direction', text: ({ direction }) => direction, left: true },
  { title: 'message', text: ({ size }) => bytes(size) },
  { title: 'not bounded kB/s', text: ({ free }) => whole(free / 1000) },
  { title: 'configured kB/s', text: ({ rate }) => whole(rate / 1000) },
  {
    title: 'measured kB/s',
    text: ({ measured }) => (measured === undefined ? '' : fixed(measured / 1000, 1)),
  },
  { title: 'ratio', text: ({ ratio }) => fixed(ratio, 4) ?? 'not reachable' },
];

async function main() {
  const settings = readOptions();
  if (settings.help) return void process.stdout.write(HELP);
  const native = await nativeBackend();
  const progress = new Progress(process.stderr);
  const rows = [];
  for (const backend of settings.backends) {
    if (backend === 'native' && native.version === undefined) {
      console.log(`native: skipped (${native.reason})`);
      continue;
    }
    for (const direction of settings.directions)
      for (const size of settings.sizes)
        rows.push(...(await column({ backend, direction, size }, settings, progress)));
  }
  const here = machine(native.version);
  const burst = settings.burst === undefined ? '' : `, bursts of ${bytes(settings.burst)}`;
  console.log(
    `\n${table(COLUMNS, rows)}\n\nPayload bytes over TCP on loopback, ${settings.seconds} s each${burst}.`,
  );
  console.log(describeMachine(here));
  if (settings.json)
    await writeFile(
      settings.json,
      `${JSON.stringify({ machine: here, seconds: settings.seconds, rows }, null, 2)}\n`,
    );
  const off = rows.filter(({ ratio }) => ratio !== undefined && Math.abs(ratio - 1) > TOLERANCE);
  if (off.length === 0) return;
  console.error(`rates: ${off.length} cells are off by more than ${TOLERANCE * 100} %`);
  process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`rates: ${error.message}`);
  process.exitCode = 1;
}
