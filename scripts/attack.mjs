/**
 * Attacks QWormhole as docs/threat-model.md says that it will be, and prints the checklist:
 *
 *   node scripts/attack.mjs [--only A1,B4] [--seed 42] [--long] [--json]
 *
 * `--long` takes the rows that wait for timeouts and make thousands of connections, and the Autobahn TestSuite. A seed
 * has a run's random bytes again. Exit code 1 when a row does not hold.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { AttackReport } from './lib/attack-report.mjs';
import { build } from './lib/build.mjs';
import { setUp } from './lib/install.mjs';
import { at, fileOf, root } from './lib/root.mjs';
import { main, openly, StepError } from './lib/run.mjs';

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seed: { type: 'string' },
      long: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!Number.isSafeInteger(seed)) throw new StepError('--seed takes an integer.');
  return { ...values, seed, only: values.only?.split(',') };
}

/** Rows that other tests prove, and those that concern nothing that there is. */
function readElsewhere({ only }) {
  const { proved, absent } = JSON.parse(readFileSync(at('test', 'attack', 'elsewhere.json'), 'utf8'));
  const isWanted = ({ row }) => only === undefined || only.includes(row);
  return { proved: proved.filter(isWanted), absent: absent.filter(isWanted) };
}

/**
 * Runs each test that proves a row, in the projects that the row names, and then the files of attacks: thousands of
 * connections leave nobody the time that others have.
 */
async function runTests(report, proved) {
  const { createVitest } = await import('vitest/node');
  // Of the rows that are asked for a file, or a suite of it, may have none.
  const vitest = await createVitest('test', {
    root,
    watch: false,
    reporters: [report],
    passWithNoTests: true,
  });
  try {
    const all = await vitest.globTestSpecifications();
    const isAttack = ({ project }) => project.name === 'attack';
    const isProof = ({ project, moduleId }) =>
      proved.some(({ file, projects }) => projects?.includes(project.name) && fileOf(moduleId) === file);
    for (const isWanted of [isProof, isAttack]) {
      const { unhandledErrors } = await vitest.runTestSpecifications(all.filter(isWanted), true);
      report.unhandled(unhandledErrors);
    }
  } finally {
    await vitest.close();
  }
}

/** Rows that a whole program proves. */
function runScripts(report, proved, isLong) {
  for (const one of proved.filter(({ script }) => script !== undefined)) {
    if (!isLong) {
      report.skip(one, 'long: --long');
      continue;
    }
    const since = performance.now();
    let error;
    try {
      openly(one.what, process.execPath, one.script);
    } catch (failure) {
      error = failure.message;
    }
    report.add({ ...one, backend: 'both', role: 'both', ms: performance.now() - since, error });
  }
}

await main(async () => {
  const options = readOptions();
  await setUp();
  const { built, reason } = await build();
  if (!built) console.log(`native backend: skipped (${reason})`);
  const { proved, absent } = readElsewhere(options);
  Object.assign(process.env, {
    QWORMHOLE_ATTACK_SEED: String(options.seed),
    ...(options.only && { QWORMHOLE_ATTACK_ONLY: options.only.join(',') }),
    ...(options.long && { QWORMHOLE_ATTACK_LONG: '1' }),
    ...(!built && { QWORMHOLE_NATIVE: '0' }),
  });
  const report = new AttackReport(options.seed, proved);
  await runTests(report, proved);
  report.missing(built);
  runScripts(report, proved, options.long);
  for (const one of absent) report.skip(one, one.reason);
  report.print(options.json);
  if (!report.holds) throw new StepError('Not all rows hold.');
});
