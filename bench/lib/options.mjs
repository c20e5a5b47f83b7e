/** The command line of the bench, checked. */
import { parseArgs } from 'node:util';

import { SCENARIOS } from './scenarios.mjs';

const MODES = ['all', 'core', 'compare', 'quick'];

/**
 * A second is some hundred thousand messages. In the first one and a half V8 still compiles: at `e4` that is half of what a
 * server in JavaScript costs.
 */
const DEFAULTS = { runs: '3', seconds: '1', warmup: '1.5' };
const QUICK = { runs: '1', seconds: '0.5', warmup: '0.2' };

const list = Object.entries(SCENARIOS)
  .map(([name, { shape }]) => `  ${name.padEnd(14)}${shape}`)
  .join('\n');

export const HELP = `Measures QWormhole and what it is compared with. Every message is checked byte for byte.

Usage: pnpm bench:qwormhole [options]        (installs and builds first)
       node bench/qwormhole.mjs [options]    (needs npm run build; cargo, for all but --mode=quick)

  --mode MODE       all (default): everything
                    core: QWormhole alone, every pairing of backends, every poller
                    compare: QWormhole beside other servers and clients
                    quick: 15 s, in JavaScript alone; without the native addon TypeScript only
  --scenarios LIST  of those below (default: all; --scenario is the same)
  --only LIST       servers, and clients of the naked loop, by name: native,ts,bun,ws
  --runs N          runs of each cell, of which the median counts (default ${DEFAULTS.runs})
  --seconds N       how long each run measures (default ${DEFAULTS.seconds})
  --warmup N        and how long it goes before that (default ${DEFAULTS.warmup})
  --no-pin          do not pin servers and clients to cores
  --table           only what the bounds in bench/bounds.json are about, and the verdict on each
  --json            records on standard output, a line of JSON each, instead of tables
  --out FILE        records into a file as well (default bench/results/<date>.jsonl)
  --picture FILE    servers compared, as SVG
  --against FILE    compare with the records of an earlier run
  --from FILE       measure nothing, take the records of an earlier run
  --help            this text

Exit codes: 0; 1 a message was wrong or missing, or something broke; 2 the command line is wrong or nothing is built;
3 with --against, something is worse than before by more than the noise, or had a figure and has none now; 4 with
--table, a bound is not reached, or not known because something could not be measured.

Scenarios:
${list}

Examples:
  node bench/qwormhole.mjs --mode=quick
  node bench/qwormhole.mjs --mode=compare --scenarios=ws-e2,ws-b8 --only=native,bun,ws
  node bench/qwormhole.mjs --table --out=before.jsonl
  node bench/qwormhole.mjs --table --against=before.jsonl
`;

/** What is wrong with the command line. */
export class UsageError extends Error {}

/** Throws a UsageError that says what is wrong with the arguments. */
export function readOptions() {
  const values = parse();
  const wanted = { ...DEFAULTS, ...(values.mode === 'quick' && QUICK), ...values };
  const scenarios = values.scenarios ?? values.scenario;
  return {
    ...values,
    mode: pick('mode', values.mode, MODES)[0],
    scenarios: scenarios && pick('scenarios', scenarios, Object.keys(SCENARIOS)),
    only: values.only?.split(','),
    runs: number('runs', wanted.runs, 1, 100, true),
    seconds: number('seconds', wanted.seconds, 0.1, 600),
    warmup: number('warmup', wanted.warmup, 0.05, 60),
    pin: !values['no-pin'],
  };
}

function parse() {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const options = {
    mode: { type: 'string', default: 'all' },
    ...Object.fromEntries(
      ['scenarios', 'scenario', 'only', 'runs', 'seconds', 'warmup'].map((n) => [n, text]),
    ),
    ...Object.fromEntries(['out', 'picture', 'against', 'from'].map((name) => [name, text])),
    ...Object.fromEntries(['no-pin', 'table', 'json', 'help'].map((name) => [name, flag])),
  };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError(error.message, { cause: error });
  }
}

function pick(option, text, known) {
  const names = text.split(',');
  const stranger = names.find((name) => !known.includes(name));
  if (stranger !== undefined) throw new UsageError(`--${option}: ${stranger} is none of ${known.join(', ')}`);
  return names;
}

function number(option, text, min, max, isWhole = false) {
  const value = Number(text);
  const isLegal = value >= min && value <= max && (!isWhole || Number.isInteger(value));
  if (text.trim() !== '' && isLegal) return value;
  throw new UsageError(
    `--${option}: ${text} is not a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`,
  );
}
