/** The command line of `matrix.mjs`, checked. */
import { parseArgs } from 'node:util';
import { nameOf, PAIRINGS } from './backends.mjs';
import { MIN_SIZE } from './payloads.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { bytes } from './table.mjs';

/** Largest message that the default limits let through and of which several fit into the queue. */
const MAX_SIZE = 2 ** 20;

const DEFAULTS = {
  sizes: '64,1024,65536',
  scenarios: Object.keys(SCENARIOS).join(','),
  seconds: '1',
  runs: '3',
};
const QUICK = { sizes: '64', scenarios: 'echo,ping', seconds: '0.5', runs: '1' };

const list = (entries) => entries.map(([name, { meaning }]) => `  ${name.padEnd(8)}${meaning}`).join('\n');

export const HELP = `Measures QWormhole clients against QWormhole servers: every pairing of backends, several message sizes,
several scenarios. Every message is checked. Prints a table and writes JSON.

Usage: pnpm bench:qwormhole [options]      (installs and builds first)
       node bench/matrix.mjs [options]

  --quick           64-byte messages, echo and ping, half a second each: about 15 s in all
  --pairings LIST   client-server, of ${PAIRINGS.map(nameOf).join(', ')} (default: all)
  --sizes LIST      bytes, ${MIN_SIZE} to ${MAX_SIZE} (default ${DEFAULTS.sizes})
  --scenarios LIST  of those below (default: all)
  --seconds N       how long each run measures (default ${DEFAULTS.seconds})
  --runs N          runs of each, of which the median counts (default ${DEFAULTS.runs})
  --no-pin          do not pin server and clients to a core each
  --json FILE       where the JSON goes (default bench/results/matrix-<date>.json)
  --compare         afterwards compare the server with other TCP servers (bench/compare.mjs; needs cargo)
  --help            this text

Scenarios:
${list(Object.entries(SCENARIOS))}

Examples:
  node bench/matrix.mjs --quick
  node bench/matrix.mjs --pairings native-native,ts-ts --sizes 64 --seconds 5
`;

/** Throws an Error that says what is wrong with the arguments. */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      pairings: { type: 'string', default: PAIRINGS.map(nameOf).join(',') },
      sizes: { type: 'string' },
      scenarios: { type: 'string' },
      seconds: { type: 'string' },
      runs: { type: 'string' },
      'no-pin': { type: 'boolean', default: false },
      json: { type: 'string' },
      compare: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const wanted = { ...DEFAULTS, ...(values.quick ? QUICK : {}), ...values };
  return {
    help: values.help,
    pairings: pick('pairings', wanted.pairings, PAIRINGS.map(nameOf)),
    scenarios: pick('scenarios', wanted.scenarios, Object.keys(SCENARIOS)),
    sizes: wanted.sizes.split(',').map((size) => number('sizes', size, MIN_SIZE, MAX_SIZE, true)),
    seconds: number('seconds', wanted.seconds, 0.1, 600),
    runs: number('runs', wanted.runs, 1, 100, true),
    pin: !values['no-pin'],
    json: values.json,
    compare: values.compare,
  };
}

function pick(option, text, known) {
  const names = text.split(',');
  const stranger = names.find((name) => !known.includes(name));
  if (stranger !== undefined) throw new Error(`--${option}: ${stranger} is none of ${known.join(', ')}`);
  return names;
}

function number(option, text, min, max, isWhole = false) {
  const value = Number(text);
  const isLegal = value >= min && value <= max && (!isWhole || Number.isInteger(value));
  if (text.trim() !== '' && isLegal) return value;
  const unit = option === 'sizes' ? ` (${bytes(min)} to ${bytes(max)})` : '';
  throw new Error(
    `--${option}: ${text} is not a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}${unit}`,
  );
}
