/**
 * Counts the instructions that the Rust paths of a message cost and holds them against their budgets in
 * bench/instructions.json: `node scripts/instructions.mjs [--update]`. Counts do not depend on how busy a machine is,
 * so this can be a check where a time cannot. `--update` writes what was counted as the new budgets.
 *
 * Exit code 1 when a path costs more than its budget and the head-room, or has none.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { at, root } from './lib/root.mjs';
import { main, outputOf, quietly, StepError } from './lib/run.mjs';
import { table } from './lib/text.mjs';

const BUDGETS = at('bench', 'instructions.json');

/** The module of the tests that do nothing but send messages. */
const MODULE = 'instructions::';
/** Each test is run with these numbers of messages: what both runs have in common is no part of a message. */
const FEW = 2_000;
const MANY = 12_000;
/** What a count may be off its budget, as a part: compilers and processors differ a little in what they choose. */
const HEAD_ROOM = 0.1;
/** And besides, instructions: of a path of twenty the part is not even one choice of a compiler. */
const FEW_INSTRUCTIONS = 5;

/** The test program, as it is built for figures. */
async function testProgram() {
  const args = ['test', '--release', '--no-default-features', '--lib', '--no-run'];
  await quietly('Building the Rust paths', 'cargo', args);
  // Built by now: this only says where it is.
  const output = outputOf('cargo', [...args, '--message-format=json']) ?? '';
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  const built = lines.map((line) => JSON.parse(line)).find(({ executable }) => executable);
  if (built === undefined) throw new StepError('cargo built no test program.');
  return built.executable;
}

function paths(program) {
  const list = outputOf(program, ['--list', '--format', 'terse', MODULE]) ?? '';
  return [...list.matchAll(/^(.*::(?:receive|send)_\w+): test$/gm)].map(([, name]) => name);
}

/** Instructions of the whole process. */
function count(program, test, messages) {
  const options = ['--tool=callgrind', '--callgrind-out-file=/dev/null'];
  const { status, stderr, error } = spawnSync(
    'valgrind',
    [...options, program, test, '--exact', '--test-threads=1'],
    { cwd: root, encoding: 'utf8', env: { ...process.env, QWORMHOLE_MESSAGES: String(messages) } },
  );
  const total = /Collected : (\d+)/.exec(stderr ?? '')?.[1];
  if (status === 0 && total !== undefined) return Number(total);
  throw new StepError(`${test} could not be counted: ${error?.message ?? stderr.trimEnd()}`);
}

function measure(program, test) {
  const perMessage = (count(program, test, MANY) - count(program, test, FEW)) / (MANY - FEW);
  return { path: test.split('::').at(-1), perMessage: Math.round(perMessage) };
}

function verdict({ perMessage, budget }) {
  if (budget === undefined) return 'no budget';
  const room = budget * HEAD_ROOM + FEW_INSTRUCTIONS;
  if (perMessage > budget + room) return 'TOO MUCH';
  return perMessage < budget - room ? 'less: lower the budget' : 'in order';
}

function report(rows) {
  const cells = rows.map((row) => [row.path, row.perMessage, row.budget ?? '–', verdict(row)].map(String));
  return table(['path', 'instructions a message', 'budget', ''], cells);
}

await main(async () => {
  const { values } = parseArgs({ options: { update: { type: 'boolean', default: false } } });
  if (outputOf('valgrind', ['--version']) === undefined)
    throw new StepError('valgrind is needed (Debian: apt-get install valgrind).');
  const program = await testProgram();
  const counted = paths(program).map((test) => measure(program, test));
  if (counted.length === 0) throw new StepError('There is no path to count.');
  if (values.update) {
    const budgets = Object.fromEntries(counted.map(({ path, perMessage }) => [path, perMessage]));
    writeFileSync(BUDGETS, `${JSON.stringify(budgets, null, 2)}\n`);
  }
  const budgets = JSON.parse(readFileSync(BUDGETS, 'utf8'));
  const rows = counted.map((row) => ({ ...row, budget: budgets[row.path] }));
  console.log(`\n${report(rows)}\n`);
  const gone = Object.keys(budgets).filter((path) => !rows.some((row) => row.path === path));
  if (gone.length > 0) throw new StepError(`There are budgets for what is not counted: ${gone.join(', ')}.`);
  const bad = rows.filter((row) => row.budget === undefined || verdict(row) === 'TOO MUCH');
  if (bad.length > 0)
    throw new StepError('A path costs more than its budget: mend it, or say why and run this with --update.');
});
