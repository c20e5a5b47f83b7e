/**
 * Fuzzes what peers send, guided by coverage, for as long as asked: `node scripts/fuzz.mjs [targets] [--seconds N]`.
 *
 * Inputs begin with the test vectors and what is kept in `fuzz/corpora/`, and gather in `fuzz/corpus/`; what makes a
 * target fail is in `fuzz/artifacts/`. `--keep` writes the smallest inputs that cover the most to `fuzz/corpora/`, which
 * `cargo test` runs; `--document` writes the figures to docs/fuzzing.md. Exit code 1 when something failed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { seedsOf, TARGETS } from '../fuzz/seeds.mjs';
import { readPart, writePart } from './lib/page.mjs';
import { at, root } from './lib/root.mjs';
import { main, outputOf, quietly, StepError } from './lib/run.mjs';
import { table } from './lib/text.mjs';

/** The sanitizer and the coverage of cargo-fuzz are not stable options. */
const UNSTABLE = { RUSTC_BOOTSTRAP: '1' };
/** What is kept of a target: tests run all of it, and people look at it. */
const MOST_INPUTS = 150;
const MOST_BYTES = 1024;
/** A target whose state outlives an input: to look for leaks behind each would take all of the time. */
const STATEFUL = ['link'];

const corpusOf = (target) => at('fuzz', 'corpus', target);
const keptOf = (target) => at('fuzz', 'corpora', `${target}.txt`);
const artifactsOf = (target) => at('fuzz', 'artifacts', target);
const optionsOf = (target) => (STATEFUL.includes(target) ? ['-detect_leaks=0'] : []);

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      keep: { type: 'boolean', default: false },
      document: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.find((name) => !TARGETS.includes(name));
  if (unknown !== undefined) throw new StepError(`There are the targets ${TARGETS.join(', ')}.`);
  if (outputOf('cargo', ['fuzz', '--version']) === undefined)
    throw new StepError('cargo-fuzz is needed (cargo install cargo-fuzz --locked), and a C++ compiler.');
  await quietly('Building the targets', 'cargo', ['fuzz', 'build'], UNSTABLE);
  const rows = [];
  for (const target of positionals.length > 0 ? positionals : TARGETS) {
    fill(target);
    rows.push(await fuzz(target, values.seconds));
    if (values.keep) keep(target);
  }
  console.log(`\n${table(['target', 'executions', 'a second', 'edges', 'inputs', 'failed'], rows)}`);
  if (values.document) document(rows, Math.floor(values.seconds / 60));
  if (rows.some((row) => row.at(-1) !== 0)) throw new StepError('Something failed: see fuzz/artifacts/.');
});

function program(target) {
  const [, host] = /host: (\S+)/.exec(outputOf('rustc', ['-vV']) ?? '') ?? [];
  return at('fuzz', 'target', host ?? '', 'release', target);
}

/** What a target begins with. */
function fill(target) {
  for (const folder of [corpusOf(target), artifactsOf(target)]) mkdirSync(folder, { recursive: true });
  const inputs = [...seedsOf(target), ...keptInputs(target).map(({ input }) => Buffer.from(input, 'base64'))];
  inputs.forEach((input, index) => writeFileSync(join(corpusOf(target), `seed-${index}`), input));
}

/** Lines of Base64; a comment belongs to the line behind it. */
function keptInputs(target) {
  if (!existsSync(keptOf(target))) return [];
  const inputs = [];
  let comment;
  for (const line of readFileSync(keptOf(target), 'utf8').split('\n')) {
    if (line.startsWith('#')) comment = line;
    else if (line !== '') {
      inputs.push({ comment, input: line });
      comment = undefined;
    }
  }
  return inputs;
}

function fuzz(target, seconds) {
  console.log(`Fuzzing ${target} for ${seconds} s …`);
  const before = readdirSync(artifactsOf(target)).length;
  const options = [
    `-max_total_time=${seconds}`,
    `-artifact_prefix=${artifactsOf(target)}/`,
    '-print_final_stats=1',
    '-timeout=10',
    ...optionsOf(target),
  ];
  const child = spawn(program(target), [corpusOf(target), ...options], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let [edges, inputs, executions, rate] = ['–', '–', '–', '–'];
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      [, edges, inputs] = /cov: (\d+) .*corp: (\d+)\//.exec(line) ?? [line, edges, inputs];
      [, executions] = /number_of_executed_units: +(\d+)/.exec(line) ?? [line, executions];
      [, rate] = /average_exec_per_sec: +(\d+)/.exec(line) ?? [line, rate];
      if (/panicked at|assertion|^ +(left|right): |ERROR:/.test(line)) console.log(line);
    }
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve([target, error.message, '–', '–', '–', 1]));
    child.on('close', (code) => {
      const failed = readdirSync(artifactsOf(target)).length - before;
      resolve([target, executions, rate, edges, inputs, code === 0 ? failed : Math.max(failed, 1)]);
    });
  });
}

/** Of the smallest inputs that cover the most, short ones and long ones; those with a comment stay. */
function keep(target) {
  const smallest = at('fuzz', 'corpus', `${target}.merged`);
  rmSync(smallest, { recursive: true, force: true });
  mkdirSync(smallest);
  const args = ['-set_cover_merge=1', `-max_len=${MOST_BYTES}`, ...optionsOf(target)];
  const merging = spawnSync(program(target), [...args, smallest, corpusOf(target)], { stdio: 'ignore' });
  if (merging.status !== 0) throw new StepError(`The inputs of ${target} could not be reduced.`);
  const found = readdirSync(smallest)
    .map((name) => readFileSync(join(smallest, name)))
    .sort((a, b) => a.length - b.length || Buffer.compare(a, b))
    .filter((_, index, all) => index % Math.ceil(all.length / MOST_INPUTS) === 0)
    .map((input) => input.toString('base64'));
  rmSync(smallest, { recursive: true });
  const remarkable = keptInputs(target).filter(({ comment }) => comment !== undefined);
  const lines = [...remarkable.flatMap(({ comment, input }) => [comment, input]), ...found];
  writeFileSync(keptOf(target), `${[...new Set(lines)].join('\n')}\n`);
}

/** The figures of these targets, in the place of what an earlier run said of them. */
function document(rows, minutes) {
  const said = readPart('fuzzing.md', 'fuzz')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const all = new Map(said.map((cells) => [cells[0], cells]));
  for (const [target, executions, , edges, inputs, failed] of rows) {
    const counts = [executions, edges, inputs, failed].map((count) =>
      count === '–' ? count : Number(count).toLocaleString('en'),
    );
    const mended = keptInputs(target).filter(({ comment }) => comment !== undefined).length;
    all.set(`\`${target}\``, [`\`${target}\``, minutes, ...counts, mended]);
  }
  const head = ['Target', 'Minutes', 'Executions', 'Edges', 'Inputs', 'Failed', 'Mended so far'];
  writePart('fuzzing.md', 'fuzz', `${table(head, [...all.values()])}\n`);
}
