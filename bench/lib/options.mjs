/** The command line of `compare.mjs`, checked. */
import { parseArgs } from 'node:util';

import { WORKLOADS } from './workloads.mjs';

/** Throws an Error that says what is wrong with the arguments. */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      scenario: { type: 'string', default: 'e2' },
      runs: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '2' },
      warmup: { type: 'string', default: '0.5' },
      only: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const { scenario, json } = values;
  const [runs, seconds, warmup] = [values.runs, values.seconds, values.warmup].map(Number);
  if (!Object.hasOwn(WORKLOADS, scenario))
    throw new Error(`--scenario is one of ${Object.keys(WORKLOADS).join(', ')}`);
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs is a whole number from 1');
  if (!(seconds > 0) || !(warmup >= 0)) throw new Error('--seconds and --warmup are numbers of seconds');
  const only = values.only?.split(',');
  return { scenario, workload: WORKLOADS[scenario], runs, seconds, warmup, only, json };
}
