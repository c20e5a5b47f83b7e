/**
 * Whether anything is left behind: connections that come and go, mixed traffic, threads that end, garbage. Each load runs
 * on each backend in a process of its own, which is looked at again and again; what it holds must be flat.
 *
 *   node bench/soak.mjs [churn mixed teardown pressure] [--backend native,ts] [--minutes 30] [--rounds 100] [--picture DIR]
 *
 * Exit code 1 when something grows, is wrong, or does not end.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { table } from '../scripts/lib/text.mjs';
import { lines } from './soak/lines.mjs';
import { runSubject } from './soak/process.mjs';
import { verdictOn } from './soak/verdict.mjs';

const LOADS = ['churn', 'mixed', 'teardown', 'pressure'];

const HELP = `Looks for what is left behind, in memory, handles and descriptors.

Usage: node bench/soak.mjs [loads] [options]

  churn             clients that connect, exchange a message and are gone, by a reset or in order
  mixed             messages of all sizes over all carriers, clients that come, go and are cut off
  teardown          worker threads that end with connections open
  pressure          messages that are kept or dropped while garbage is collected all the time

  --backend NAMES   native, ts or both (default both)
  --rounds N        rounds of churn; a fifth as many of teardown (default 100)
  --clients N       clients of a round of churn (default 2000)
  --minutes N       of mixed traffic; a tenth of that of pressure (default 30)
  --picture DIR     what was held over time, as soak-LOAD.svg there
  --help            this text
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string', default: 'native,ts' },
    rounds: { type: 'string', default: '100' },
    clients: { type: 'string', default: '2000' },
    minutes: { type: 'string', default: '30' },
    picture: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const unknown = positionals.find((name) => !LOADS.includes(name));
if (unknown !== undefined) throw new Error(`there are the loads ${LOADS.join(', ')}`);
if (options.help) console.log(HELP);
else await main(positionals.length > 0 ? positionals : LOADS, options);

async function main(loads, { backend: backends, picture, ...amounts }) {
  const rows = [];
  for (const load of loads) {
    // Side by side: both have the same machine.
    const subjects = backends.split(',').map((backend) => runSubject({ load, backend, ...amounts }));
    const outcomes = await Promise.all(subjects);
    rows.push(...outcomes.map(rowOf));
    if (picture !== undefined) writeFileSync(join(picture, `soak-${load}.svg`), lines(load, outcomes));
  }
  const head = [
    'load',
    'backend',
    'done',
    'time',
    'heap',
    'memory',
    'slope',
    'handles',
    'descriptors',
    'verdict',
  ];
  console.log(`\n${table(head, rows)}`);
  if (rows.some((row) => row.at(-1) !== 'flat')) process.exitCode = 1;
}

function rowOf({ load, backend, done, samples, seconds, failure }) {
  const { growth, perHour, faults } = verdictOn(samples);
  const faultsOfAll = failure === undefined ? faults : [failure, ...faults];
  const { first, last } = { first: samples[0], last: samples.at(-1) };
  return [
    load,
    backend,
    done,
    `${Math.round(seconds)} s`,
    `${mib(growth.heap)} MiB`,
    `${mib(growth.rss)} MiB`,
    `${mib(perHour)} MiB/h`,
    `${first?.handles} → ${last?.handles}`,
    `${first?.descriptors} → ${last?.descriptors}`,
    faultsOfAll.length === 0 ? 'flat' : faultsOfAll.join('; '),
  ];
}

function mib(bytes) {
  return `${bytes >= 0 ? '+' : ''}${(bytes / 2 ** 20).toFixed(2)}`;
}
