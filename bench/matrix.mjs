/**
 * QWormhole against itself: pairings of backends x message sizes x scenarios, with processor time and
 * memory of either side. `node bench/matrix.mjs --help` has the options.
 *
 * Where there is no native backend its rows are there all the same, `skipped` with the reason. The table
 * goes to standard output, progress to standard error. Exit code 1 when a message was wrong or missing.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { nameOf, nativeBackend, PAIRINGS } from './lib/backends.mjs';
import { describeMachine, machine } from './lib/machine.mjs';
import { HELP, readOptions } from './lib/matrix-options.mjs';
import { measure } from './lib/measure.mjs';
import { choosePinning } from './lib/pinning.mjs';
import { Progress } from './lib/progress.mjs';
import { median } from './lib/summary.mjs';
import { bytes, fixed, table, whole } from './lib/table.mjs';

const WARMUP = 0.3;

const at = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const mebibytes = (value) => value && fixed(value / 2 ** 20, 0);

const COLUMNS = [
  { title: 'scenario', text: ({ scenario }) => scenario, left: true },
  { title: 'size', text: ({ size }) => bytes(size) },
  { title: 'client -> server', text: ({ client, server }) => `${client} -> ${server}`, left: true },
  { title: 'messages/s', text: ({ messagesPerSecond }) => whole(messagesPerSecond) },
  { title: 'MB/s', text: ({ megabytesPerSecond }) => fixed(megabytesPerSecond, 1) },
  { title: 'p50 us', text: ({ latencyUs }) => whole(latencyUs?.p50) },
  { title: 'p99 us', text: ({ latencyUs }) => whole(latencyUs?.p99) },
  { title: 'client us/msg', text: ({ clientSide }) => fixed(clientSide?.cpuUsPerMessage, 2) },
  { title: 'server us/msg', text: ({ serverSide }) => fixed(serverSide?.cpuUsPerMessage, 2) },
  { title: 'client MiB', text: ({ clientSide }) => mebibytes(clientSide?.peakRss) },
  { title: 'server MiB', text: ({ serverSide }) => mebibytes(serverSide?.peakRss) },
  { title: '', text: remark, left: true },
];

function remark({ skipped, reason, error }) {
  if (skipped) return `skipped: ${reason}`;
  return error === undefined ? '' : `FAILED: ${error}`;
}

/** All that is to be measured, in the order of the table. */
function cells({ scenarios, sizes, pairings }, native) {
  const chosen = PAIRINGS.filter((pairing) => pairings.includes(nameOf(pairing)));
  return scenarios.flatMap((scenario) =>
    sizes.flatMap((size) => chosen.map((pairing) => ({ ...cellOf(pairing, native), scenario, size }))),
  );
}

function cellOf(pairing, { version, reason, isDemanded }) {
  const cell = { pairing: nameOf(pairing), ...pairing };
  const needsNative = pairing.client === 'native' || pairing.server === 'native';
  if (!needsNative || version !== undefined) return cell;
  return isDemanded ? { ...cell, error: reason } : { ...cell, skipped: true, reason };
}

/** All runs of one cell, boiled down to medians. */
async function measureCell(cell, { seconds, runs }, pinning, onProgress) {
  const { client, server, scenario, size } = cell;
  const results = [];
  for (let run = 0; run < runs; run++) {
    results.push(
      await measure({ client, server, scenario, size, seconds, warmup: WARMUP, pinning, onProgress }),
    );
  }
  return { ...cell, ...summarize(results) };
}

function summarize(results) {
  const middle = (pick) => median(results.map(pick));
  const [{ connections, window, latencyUs }] = results;
  const side = (name) => ({
    cpuUsPerMessage: middle((result) => result[name].cpuUsPerMessage),
    rss: middle((result) => result[name].rss),
    peakRss: middle((result) => result[name].peakRss),
  });
  return {
    connections,
    window,
    checked: results.reduce((sum, result) => sum + result.checked, 0),
    messagesPerSecond: middle((result) => result.messagesPerSecond),
    megabytesPerSecond: middle((result) => result.megabytesPerSecond),
    latencyUs: latencyUs && {
      p50: middle((result) => result.latencyUs.p50),
      p99: middle((result) => result.latencyUs.p99),
      max: Math.max(...results.map((result) => result.latencyUs.max)),
    },
    clientSide: side('client'),
    serverSide: side('server'),
    runs: results,
  };
}

async function measureAll(todo, settings, pinning) {
  const progress = new Progress(process.stderr);
  const rows = [];
  const width = String(todo.length).length;
  for (const [index, cell] of todo.entries()) {
    const step = `${String(index + 1).padStart(width)}/${todo.length}  ${cell.scenario} ${bytes(cell.size)} ${cell.pairing}`;
    progress.begin(step);
    rows.push(
      await oneRow(cell, settings, pinning, (messages) => progress.update(`${whole(messages)} messages`)),
    );
    const row = rows.at(-1);
    progress.end(remark(row) || `${whole(row.messagesPerSecond)} messages/s`);
  }
  return rows;
}

async function oneRow(cell, settings, pinning, onProgress) {
  if (cell.skipped || cell.error !== undefined) return cell;
  try {
    return await measureCell(cell, settings, pinning, onProgress);
  } catch (error) {
    return { ...cell, error: error.message };
  }
}

function explain({ runs, seconds }, pinning, native, here) {
  const where = pinning.reason
    ? `NOT PINNED (${pinning.reason}): not comparable with pinned figures`
    : `server on core ${pinning.server}, clients on core ${pinning.load}`;
  const lines = [
    `Medians of ${runs} run${runs === 1 ? '' : 's'} of ${seconds} s; ${where}`,
    describeMachine(here),
    'us/msg is processor time of the whole process, user and system; MiB is its peak memory. Latency is there and',
    'back, with all that is under way; in fanout messages are deliveries. Every message is checked byte for byte.',
  ];
  if (native.version === undefined) lines.push(`No native backend: ${native.cure ?? `${native.reason}.`}`);
  return lines.join('\n');
}

async function save(result, file) {
  const path = file ?? at(`results/matrix-${result.date.replaceAll(':', '-').slice(0, 19)}.json`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`\nJSON: ${path}`);
}

function compare() {
  console.log('');
  const { status } = spawnSync(process.execPath, [at('compare.mjs')], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

async function main() {
  const settings = readOptions();
  if (settings.help) return void process.stdout.write(HELP);
  const native = await nativeBackend();
  const pinning = settings.pin ? choosePinning() : { reason: '--no-pin' };
  const here = machine(native.version);
  const rows = await measureAll(cells(settings, native), settings, pinning);

  console.log(`\n${table(COLUMNS, rows)}\n\n${explain(settings, pinning, native, here)}`);
  const { runs, seconds } = settings;
  await save({ date: new Date().toISOString(), machine: here, runs, seconds, pinning, rows }, settings.json);
  if (rows.some(({ error }) => error !== undefined)) process.exitCode = 1;
  if (settings.compare) compare();
  else console.log('The server beside other TCP servers: node bench/compare.mjs');
}

try {
  await main();
} catch (error) {
  console.error(`matrix: ${error.message}`);
  process.exitCode = 1;
}
