/**
 * The main job of `npm start`: real servers and real clients on both backends exchange messages over
 * loopback, in every pairing, and every reply is checked.
 *
 *   node bench/pairings.mjs [--seconds 1.5] [--json FILE]
 *
 * Exit code 1 when a reply was wrong, missing or late, or a pairing broke.
 */
import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { nameOf, nativeBackend, PAIRINGS } from './lib/backends.mjs';
import { describeMachine, machine } from './lib/machine.mjs';
import { measure } from './lib/measure.mjs';
import { Progress } from './lib/progress.mjs';
import { SCENARIOS } from './lib/scenarios.mjs';
import { fixed, table, whole } from './lib/table.mjs';

const SIZE = 64;

/** Both parts of a pairing. The second one ends sooner: a second has thousands of round trips. */
const PARTS = [
  { scenario: 'echo', warmup: 0.4, part: 1 },
  { scenario: 'ping', warmup: 0.2, part: 0.6 },
];

const HELP = `Exchanges messages between servers and clients on both backends and checks every reply.

Usage: node bench/pairings.mjs [options]

  --seconds N   how long messages are exchanged in each pairing (default 1.5)
  --json FILE   write the figures to a file as well
  --help        this text

Examples:
  node bench/pairings.mjs
  node bench/pairings.mjs --seconds 5 --json pairings.json
`;

const COLUMNS = [
  { title: 'client -> server', text: arrow, left: true },
  { title: 'messages/s', text: ({ echo }) => whole(echo?.messagesPerSecond) ?? '-' },
  { title: 'MB/s', text: ({ echo }) => fixed(echo?.megabytesPerSecond, 1) ?? '-' },
  { title: 'p50 us', text: ({ ping }) => whole(ping?.latencyUs?.p50) ?? '-' },
  { title: 'p99 us', text: ({ ping }) => whole(ping?.latencyUs?.p99) ?? '-' },
  { title: '', text: remark, left: true },
];

function readOptions() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '1.5' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const seconds = Number(values.seconds);
  if (!(seconds > 0 && seconds <= 600)) throw new Error('--seconds is a number above 0, at most 600');
  return { ...values, seconds };
}

function arrow({ client, server }) {
  return `${client} -> ${server}`;
}

function remark({ skipped, reason, error, echo, ping }) {
  if (skipped) return `skipped: ${reason}`;
  if (error !== undefined) return `FAILED: ${error}`;
  return `${whole(echo.checked + ping.checked)} replies, all correct`;
}

/** Why a pairing cannot be had here. */
function obstacle(pairing, native) {
  const needsNative = pairing.client === 'native' || pairing.server === 'native';
  return needsNative && native.version === undefined ? native.reason : undefined;
}

async function exchange(pairing, { seconds }, progress) {
  const row = { name: nameOf(pairing), ...pairing };
  try {
    for (const { scenario, warmup, part } of PARTS) {
      progress.begin(`  ${arrow(pairing).padEnd(18)}${scenario}`);
      const onProgress = (messages) => progress.update(`${whole(messages)} replies`);
      const cell = { ...pairing, scenario, size: SIZE, seconds: seconds * part, warmup, onProgress };
      row[scenario] = await measure(cell);
      progress.end(news(scenario, row[scenario]));
    }
  } catch (error) {
    row.error = error.message;
    progress.end(`FAILED: ${error.message}`);
  }
  return row;
}

function news(scenario, { messagesPerSecond, latencyUs }) {
  return scenario === 'echo' ? `${whole(messagesPerSecond)} messages/s` : `p50 ${whole(latencyUs.p50)} us`;
}

function explain(native) {
  const { connections, window } = SCENARIOS.echo.js;
  const lines = [
    `Echo of ${SIZE}-byte messages over TCP on loopback, every reply checked byte for byte. Messages/s and MB/s (payload,`,
    `one way): ${connections} connections with ${window} messages under way each. p50 and p99: one message under way, there and`,
    'back. Server and clients are a process each, not pinned to cores.',
  ];
  if (native.version !== undefined) return lines.join('\n');
  lines.push('', `There is no native backend here: ${native.cure ?? `${native.reason}.`}`);
  lines.push('The TypeScript backend does the whole job alone.');
  return lines.join('\n');
}

async function main() {
  const settings = readOptions();
  if (settings.help) return void process.stdout.write(HELP);
  const native = await nativeBackend();
  const progress = new Progress(process.stdout);
  const rows = [];
  for (const pairing of PAIRINGS) {
    const reason = obstacle(pairing, native);
    if (reason === undefined) rows.push(await exchange(pairing, settings, progress));
    else if (native.isDemanded) rows.push({ name: nameOf(pairing), ...pairing, error: reason });
    else rows.push({ name: nameOf(pairing), ...pairing, skipped: true, reason });
  }

  const here = machine(native.version);
  console.log(`\n${table(COLUMNS, rows)}\n\n${explain(native)}\n${describeMachine(here)}`);
  if (settings.json) {
    const result = {
      date: new Date().toISOString(),
      machine: here,
      seconds: settings.seconds,
      size: SIZE,
      pairings: rows,
    };
    await writeFile(settings.json, `${JSON.stringify(result, null, 2)}\n`);
  }
  if (rows.some(({ error }) => error !== undefined)) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`pairings: ${error.message}`);
  process.exitCode = 1;
}
