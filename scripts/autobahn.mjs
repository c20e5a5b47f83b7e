/**
 * Runs the Autobahn TestSuite against QWormhole's WebSocket, in both roles and on both backends:
 *
 *   node scripts/autobahn.mjs [--quick | --medium | --full] [--backend native,ts] [--role server,client]
 *                             [--cases '1.*,7.*'] [--jobs 2] [--write] [--built]
 *
 * `--backend control` puts the `ws` package in our place: where it fails too, the fault is not ours. `--write`
 * puts the table into docs/conformance.md, `--built` takes what was built before. Exit code 1 when a case was not run or
 * does not conform.
 */
import { parseArgs } from 'node:util';

import { findings, isConforming, summary, writePage } from './lib/autobahn-report.mjs';
import { installSuite, MODES, runSuite } from './lib/autobahn-suite.mjs';
import { build } from './lib/build.mjs';
import { setUp } from './lib/install.mjs';
import { nativePlan } from './lib/native.mjs';
import { at } from './lib/root.mjs';
import { main, StepError } from './lib/run.mjs';

const BACKENDS = {
  native: { label: 'QWormhole, native', program: 'echo', args: ['--backend', 'native'] },
  ts: { label: 'QWormhole, TypeScript', program: 'echo', args: ['--backend', 'ts'] },
  control: { label: 'the `ws` package', program: 'control', args: [] },
};
const ROLES = ['server', 'client'];

function readOptions() {
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(Object.keys(MODES).map((mode) => [mode, { type: 'boolean' }])),
      backend: { type: 'string' },
      role: { type: 'string', default: ROLES.join(',') },
      cases: { type: 'string', default: '*' },
      jobs: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
      built: { type: 'boolean', default: false },
    },
  });
  if (values.write && values.cases !== '*')
    throw new StepError('--write is for whole runs: it goes without --cases.');
  const mode = Object.keys(MODES).findLast((name) => values[name]) ?? 'quick';
  return {
    ...values,
    mode,
    backends: choice('--backend', values.backend ?? 'native,ts', Object.keys(BACKENDS)),
    roles: choice('--role', values.role, ROLES),
    jobs: Math.max(1, Number.parseInt(values.jobs, 10) || 1),
  };
}

function choice(option, list, known) {
  const chosen = list.split(',');
  if (chosen.every((one) => known.includes(one))) return chosen;
  throw new StepError(`${option} takes ${known.join(', ')}, separated by commas.`);
}

/** All runs, `jobs` at a time, in the order of the table. */
async function runAll(python, { backends, roles, mode, cases, jobs }) {
  const runs = backends.flatMap((backend) => roles.map((role) => ({ ...BACKENDS[backend], backend, role })));
  const waiting = runs.values();
  const work = async () => {
    for (const run of waiting) {
      console.log(`Autobahn, ${mode}: ${run.label} as ${run.role} …`);
      run.result = await runSuite({
        python,
        mode,
        cases,
        role: run.role,
        name: run.backend,
        command: commandOf(run),
      });
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return runs;
}

function commandOf({ program, args, role }) {
  return (tail) => [process.execPath, at('test', 'autobahn', `${program}-${role}.mjs`), ...args, ...tail];
}

/** Builds what the testees need. The native backend is left out where it cannot be built, unless by name. */
async function buildFor(options) {
  if (options.backends.every((backend) => backend === 'control')) return;
  if (options.built && nativePlan().build) return;
  const { built, reason } = await build();
  if (built || options.backend !== undefined) return;
  console.log(`Autobahn, native backend: skipped (${reason})`);
  options.backends = options.backends.filter((backend) => backend !== 'native');
}

await main(async () => {
  const options = readOptions();
  await setUp();
  await buildFor(options);
  const runs = await runAll(await installSuite(), options);
  console.log(`\n${summary(runs)}\n`);
  for (const line of findings(runs)) console.log(line);
  if (options.write) writePage(runs, options.mode);
  if (!runs.every(({ result }) => isConforming(result)))
    throw new StepError('Autobahn: not all cases conform.');
});
