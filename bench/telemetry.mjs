/**
 * What telemetry costs: CPU time of a server for each 64-byte message that it echoes, with telemetry off, on (a logger
 * of all levels, a snapshot ten times a second), and with profiling. Runs take turns, so that a busy machine is busy
 * for all of them.
 *
 *   node bench/telemetry.mjs [--backend native] [--rounds 21] [--seconds 0.5]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import { measure } from './lib/measure.mjs';
import { median } from './lib/summary.mjs';
import { fixed, table, whole } from './lib/table.mjs';

const SIZE = 64;
const WARMUP = 0.3;
/** The server has a core for itself where there are two. */
const PINNING = availableParallelism() > 1 ? { server: 0, load: 1 } : undefined;
/** The second `off` says what differences mean nothing. */
const KINDS = ['off', 'off again', 'on', 'profiling'];

const HELP = `Measures what telemetry costs a server, in CPU time for each message.

Usage: node bench/telemetry.mjs [options]

  --backend NAME    native or ts, of server and clients (default native)
  --rounds N        runs of each kind, of which the median counts (default 21)
  --seconds N       of each run (default 0.5)
  --help            this text
`;

const { values: options } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    rounds: { type: 'string', default: '21' },
    seconds: { type: 'string', default: '0.5' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) console.log(HELP);
else await main(options.backend, Number(options.rounds), Number(options.seconds));

async function main(backend, rounds, seconds) {
  const costs = new Map(KINDS.map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round += 1) {
    // Whatever comes first or last, it is not always the same.
    const order = round % 2 === 0 ? KINDS : KINDS.toReversed();
    for (const kind of order) {
      const sides = { client: backend, server: backend, pinning: PINNING };
      const load = { scenario: 'echo', size: SIZE, seconds, warmup: WARMUP };
      const { server, messagesPerSecond } = await measure({
        ...sides,
        ...load,
        telemetry: kind.split(' ')[0],
      });
      costs.get(kind).push({ cpu: server.cpuUsPerMessage, rate: messagesPerSecond });
    }
  }
  const plain = costs.get('off');
  const rows = KINDS.map((kind) => {
    const runs = costs.get(kind);
    const ratio = median(runs.map(({ cpu }, at) => cpu / plain[at].cpu));
    return {
      kind,
      ratio,
      cpu: median(runs.map(({ cpu }) => cpu)),
      rate: median(runs.map(({ rate }) => rate)),
    };
  });
  const columns = [
    { title: 'telemetry', text: ({ kind }) => kind, left: true },
    { title: 'server CPU us/message', text: ({ cpu }) => fixed(cpu, 3) },
    // Of each round: what the machine does meanwhile is much the same for all of it.
    { title: 'more than off', text: ({ ratio }) => `${fixed((ratio - 1) * 100, 1)} %` },
    { title: 'messages/s', text: ({ rate }) => whole(rate) },
  ];
  console.log(`${backend}, echo of ${SIZE} B, medians of ${rounds} runs\n\n${table(columns, rows)}`);
}
