/**
 * The bench of QWormhole: itself in every pairing of backends, and beside what else Node's users could take.
 * `node bench/qwormhole.mjs --help` has the options, docs/performance.md the method.
 *
 * Tables go to standard output, progress to standard error.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { changes, compare, doubts, lost } from './lib/against.mjs';
import { nativeBackend } from './lib/backends.mjs';
import { areReached, boundsTable, chosenBounds, isBound, judge, readBounds } from './lib/bounds.mjs';
import { build } from './lib/build.mjs';
import { describeMachine, machine } from './lib/machine.mjs';
import { HELP, readOptions, UsageError } from './lib/options.mjs';
import { picture } from './lib/picture.mjs';
import { isChosen, plan } from './lib/plan.mjs';
import { pollers } from './lib/pollers.mjs';
import { violations } from './lib/record.mjs';
import { LEGEND, scenarioTable } from './lib/report.mjs';
import { Runner } from './lib/runner.mjs';

const EXIT = { fault: 1, usage: 2, worse: 3, missed: 4 };

function readRecords(file) {
  let records;
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    records = lines.filter((line) => line !== '').map((line) => JSON.parse(line));
  } catch (error) {
    throw new UsageError(`no records can be read: ${error.message}`, { cause: error });
  }
  const wrong = records.flatMap((record) => violations(record))[0];
  if (records.length === 0 || wrong)
    throw new UsageError(`${file} has no records: ${wrong ?? 'it is empty'}`);
  return records;
}

async function measureAll(settings, bounds, say) {
  const native = await nativeBackend();
  if (native.version === undefined) {
    if (native.isDemanded) throw new Error(`there is no native backend: ${native.reason}`);
    process.stderr.write(`TypeScript only, there is no native backend: ${native.cure ?? native.reason}\n`);
  }
  const built = settings.mode === 'quick' ? {} : await build();
  const planned = plan(settings, built, pollers(native));
  const cells = settings.table ? planned.filter((cell) => isBound(bounds, cell)) : planned;
  if (cells.length === 0) throw new UsageError('nothing is left to be measured');
  const { node, qwormhole, native: rust, ...here } = machine(native.version);
  const date = new Date().toISOString();
  const about = { date, machine: here, versions: { node, qwormhole, native: rust } };
  const runner = new Runner({ ...settings, loadgen: built.loadgen?.file }, about, cells.length);
  const records = [];
  for (const scenario of new Set(cells.map((cell) => cell.scenario))) {
    const made = await runner.run(cells.filter((cell) => cell.scenario === scenario));
    say(made);
    records.push(...made);
  }
  return records;
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function save(records, out) {
  const name = records[0].date.replaceAll(':', '-').slice(0, 19);
  const file = out ?? fileURLToPath(new URL(`results/${name}.jsonl`, import.meta.url));
  write(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  process.stderr.write(`records: ${file}\n`);
}

function sayRecords(records, { json }) {
  if (json) for (const record of records) console.log(JSON.stringify(record));
  else console.log(`\n${scenarioTable(records)}`);
}

/** The verdicts, and the exit code that they are worth. */
function conclude(records, settings, bounds) {
  const print = settings.json ? console.error : console.log;
  let code = records.some(({ failed }) => failed) ? EXIT.fault : 0;
  if (settings.table) {
    const judged = judge(bounds, records);
    print(`\n${boundsTable(judged)}`);
    if (!areReached(judged)) code ||= EXIT.missed;
  }
  if (settings.against) {
    const earlier = readRecords(settings.against);
    for (const doubt of doubts(records, earlier)) console.error(doubt);
    const compared = compare(records, earlier);
    const isWanted = (old) => isChosen(settings, old) && (!settings.table || isBound(bounds, old));
    const gone = lost(records, earlier, isWanted);
    print(`\n${changes(compared, gone)}`);
    if (gone.length > 0 || compared.some(({ isWorse }) => isWorse)) code ||= EXIT.worse;
  }
  return code;
}

async function main() {
  const settings = readOptions();
  if (settings.help) return void process.stdout.write(HELP);
  const bounds = chosenBounds(readBounds(), settings);
  if (settings.table && bounds.length === 0) throw new UsageError('no bound is about what is left');
  // Before an hour of measuring, not after it.
  if (settings.against) readRecords(settings.against);
  const records = settings.from
    ? readRecords(settings.from)
    : await measureAll(settings, bounds, (made) => sayRecords(made, settings));
  if (!settings.from) save(records, settings.out);
  if (!settings.json && !settings.from) {
    const { machine: here, versions } = records[0];
    console.log(`\n${LEGEND}\n${describeMachine({ ...here, ...versions })}`);
  }
  if (settings.picture) write(settings.picture, picture(records));
  process.exitCode = conclude(records, settings, bounds);
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.fault;
}
