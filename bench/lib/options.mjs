/** The command line of `compare.mjs`, checked. */
import { parseArgs } from 'node:util';

/** What each scenario is, in words; the numbers themselves are the load generator's. */
const SHAPES = {
  e1: 'echo, 1 connection x 100 in flight x 64 B',
  e2: 'echo, 50 connections x 10 in flight x 64 B',
  e3: 'echo, 50 connections x 10 in flight x 1 KiB',
  e4: 'echo, 10 connections x 4 in flight x 64 KiB',
};

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
  if (!Object.hasOwn(SHAPES, scenario))
    throw new Error(`--scenario is one of ${Object.keys(SHAPES).join(', ')}`);
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs is a whole number from 1');
  if (!(seconds > 0) || !(warmup >= 0)) throw new Error('--seconds and --warmup are numbers of seconds');
  return { scenario, shape: SHAPES[scenario], runs, seconds, warmup, only: values.only?.split(','), json };
}
