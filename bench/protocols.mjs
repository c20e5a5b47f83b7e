/**
 * What the protocol qwh costs over length-prefixed: CPU time of a server for each 64-byte message that it echoes.
 * Runs take turns, so that a busy machine is busy for all of them.
 *
 *   node bench/protocols.mjs [--rounds 7] [--seconds 1]
 */
import { parseArgs } from 'node:util';

import { measure } from './lib/measure.mjs';
import { median } from './lib/summary.mjs';
import { fixed, table, whole } from './lib/table.mjs';

const SIZE = 64;
const WARMUP = 0.3;
const PROTOCOLS = ['length-prefixed', 'qwh'];
const BACKENDS = ['native', 'ts'];

const HELP = `Measures what the protocol qwh costs a server over length-prefixed, in CPU time for each message.

Usage: node bench/protocols.mjs [options]

  --rounds N        runs of each kind, of which the median counts (default 7)
  --seconds N       of each run (default 1)
  --help            this text
`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) console.log(HELP);
else await main(Number(options.rounds), Number(options.seconds));

async function main(rounds, seconds) {
  const kinds = BACKENDS.flatMap((backend) =>
    PROTOCOLS.map((protocol) => ({ backend, protocol, cpu: [], rate: [] })),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const { backend, protocol, cpu, rate } of kinds) {
      const sides = { client: backend, server: backend, protocol };
      const run = await measure({ ...sides, scenario: 'echo', size: SIZE, seconds, warmup: WARMUP });
      cpu.push(run.server.cpuUsPerMessage);
      rate.push(run.messagesPerSecond);
    }
  }
  const plain = (kind) =>
    kinds.find(({ backend, protocol }) => backend === kind.backend && protocol === PROTOCOLS[0]);
  const columns = [
    { title: 'backend', text: ({ backend }) => backend, left: true },
    { title: 'protocol', text: ({ protocol }) => protocol, left: true },
    { title: 'server CPU us/message', text: ({ cpu }) => fixed(median(cpu), 3) },
    { title: 'of length-prefixed', text: (kind) => fixed(median(kind.cpu) / median(plain(kind).cpu), 2) },
    // Of each pair of neighbours: what the machine does meanwhile is the same for both.
    {
      title: 'median of the ratios',
      text: (kind) => fixed(median(kind.cpu.map((cpu, at) => cpu / plain(kind).cpu[at])), 2),
    },
    { title: 'messages/s', text: ({ rate }) => whole(median(rate)) },
  ];
  console.log(`echo of ${SIZE} B over tcp, medians of ${rounds} runs\n\n${table(columns, kinds)}`);
}
