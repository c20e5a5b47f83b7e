/**
 * Counts the instructions that the Rust paths of a message cost and holds them against their budgets in
 * bench/instructions.json: `node scripts/instructions.mjs [--update]`. Counts do not depend on how busy a machine is,
 * so this can be a check where a time cannot. `--update` writes what was counted as the new budgets.
 *
 * Exit code 1 when a path costs more than its budget and the head-room, or has none.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

import { holdToBudgets } from './lib/budgets.mjs';
import { at, root } from './lib/root.mjs';
import { main, outputOf, quietly, StepError } from './lib/run.mjs';

const BUDGETS = at('bench', 'instructions.json');

/** The module of the tests that do nothing but send messages. */
const MODULE = 'instructions::';
/** The function in which they do so: only what is done in it is counted. */
const COUNTED = '*instructions::collected*';
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
  return [...list.matchAll(/^(.*::(?:exchange|receive|send|turn|visit)_\w+): test$/gm)].map(
    ([, name]) => name,
  );
}

/** Instructions of so many messages. */
function count(program, test, messages) {
  const options = ['--tool=callgrind', '--callgrind-out-file=/dev/null', `--toggle-collect=${COUNTED}`];
  const { status, stderr, error } = spawnSync(
    'valgrind',
    [...options, program, test, '--exact', '--test-threads=1'],
    { cwd: root, encoding: 'utf8', env: { ...process.env, QWORMHOLE_MESSAGES: String(messages) } },
  );
  const total = Number(/Collected : (\d+)/.exec(stderr ?? '')?.[1]);
  if (status === 0 && total > 0) return total;
  if (total === 0) throw new StepError(`${test} never comes into ${COUNTED}: nothing was counted.`);
  throw new StepError(`${test} could not be counted: ${error?.message ?? stderr.trimEnd()}`);
}

function measure(program, test) {
  return Math.round((count(program, test, MANY) - count(program, test, FEW)) / (MANY - FEW));
}

await main(async () => {
  const { values } = parseArgs({ options: { update: { type: 'boolean', default: false } } });
  if (outputOf('valgrind', ['--version']) === undefined)
    throw new StepError('valgrind is needed (Debian: apt-get install valgrind).');
  const program = await testProgram();
  const counted = paths(program).map((test) => [test.split('::').at(-1), measure(program, test)]);
  if (counted.length === 0) throw new StepError('There is no path to count.');
  holdToBudgets(Object.fromEntries(counted), {
    file: BUDGETS,
    unit: 'instructions a message',
    room: (budget) => budget * HEAD_ROOM + FEW_INSTRUCTIONS,
    update: values.update,
  });
});
