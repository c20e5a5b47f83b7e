/**
 * Tries the properties of the tests for as long as asked, with inputs that fast-check draws:
 * `node scripts/properties.mjs [test files] [--seconds N] [--at-once N]`. A file has so many seconds for all of its
 * properties together. `--document` writes to docs/fuzzing.md how often they were tried. Exit code 1 when one does not
 * hold, with the least input that it fails for.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { writePart } from './lib/page.mjs';
import { at, bin } from './lib/root.mjs';
import { main, quietly, StepError } from './lib/run.mjs';
import { table } from './lib/text.mjs';

/** What runs the files of a folder: behaviour is that of either backend. */
const PROJECTS = { unit: ['unit'], differential: ['differential'], behaviour: ['ts', 'native'] };
/** A test has what all of its properties may take, and so much for what cannot be interrupted, ms. */
const MARGIN_MS = 600_000;

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      'at-once': { type: 'string', default: '2' },
      document: { type: 'boolean', default: false },
    },
  });
  const targets = allTargets().filter(
    ({ file }) => positionals.length === 0 || positionals.some((part) => file.includes(part)),
  );
  const rows = [];
  const failures = [];
  const waiting = [...targets];
  const worker = async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift())
      await tryFor(target, Number(values.seconds)).then(
        (row) => rows.push(row),
        (error) => failures.push(error.message),
      );
  };
  await Promise.all(Array.from({ length: Number(values['at-once']) }, worker));
  rows.sort((one, other) => one.join().localeCompare(other.join()));
  const shown = table(['Where', 'Run as', 'Properties', 'Minutes', 'Tried'], rows);
  console.log(`\n${shown}`);
  if (failures.length > 0) throw new StepError(failures.join('\n\n'));
  if (values.document) writePart('fuzzing.md', 'properties', `${shown}\n`);
});

/** The files that have properties, once for each of their projects. */
function allTargets() {
  return Object.entries(PROJECTS).flatMap(([folder, projects]) => {
    const files = readdirSync(at('test', folder), { recursive: true })
      .map((name) => `test/${folder}/${name.replaceAll('\\', '/')}`)
      .filter((file) => file.endsWith('.test.ts') && readFileSync(at(file), 'utf8').includes('/holds.js'));
    return files.flatMap((file) => projects.map((project) => ({ file, project })));
  });
}

/** How many properties a file has is known once they were tried. */
async function tryFor({ file, project }, seconds) {
  let [properties, spent, tried, each] = [0, 0, 0, 1];
  while (spent < seconds) {
    const round = await run(file, project, each);
    properties = round.length;
    for (const { runs, seconds: took } of round) {
      spent += took;
      tried += runs;
    }
    each = Math.ceil(Math.max(seconds - spent, 1) / properties);
  }
  return [`\`${file}\``, project, properties, (spent / 60).toFixed(1), tried.toLocaleString('en')];
}

/** Tries each of a file's properties for so long. */
async function run(file, project, seconds) {
  const counts = join(tmpdir(), `qwormhole-${process.pid}-${project}-${file.replaceAll('/', '-')}.jsonl`);
  const args = ['run', '--project', project, `--test-timeout=${seconds * 1000 + MARGIN_MS}`, file];
  const env = { QWORMHOLE_FUZZ_SECONDS: String(seconds), QWORMHOLE_FUZZ_COUNTS: counts };
  try {
    await quietly(`${file} as ${project}, ${seconds} s each`, bin('vitest'), args, env);
    return readFileSync(counts, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  } finally {
    rmSync(counts, { force: true });
  }
}
