/**
 * What the modes of `batching` cost and gain. First the CPU time of a server for each 64-byte message that it echoes,
 * quick work in which nothing is cut short; then what a stream of a message each tick costs who sends it; and then how
 * late timers are while a listener takes its time for each message.
 * Runs take turns, so that a busy machine is busy for all of them.
 *
 *   node bench/batching.mjs [--backend native] [--rounds 11] [--seconds 0.5]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import { measure } from './lib/measure.mjs';
import { Peer } from './lib/peer.mjs';
import { median } from './lib/summary.mjs';
import { fixed, table, whole } from './lib/table.mjs';

const SIZE = 64;
const WARMUP = 0.3;
/** The server has a core for itself where there are two. */
const PINNING = availableParallelism() > 1 ? { server: 0, load: 1 } : {};
/** The second `off` says what differences mean nothing. */
const KINDS = ['off', 'off again', 'guarded', 'aggressive'];
const SCENARIOS = ['echo', 'ping'];

/** What a listener takes for each message, µs, and how many messages there are. */
const BUSY = [
  { us: 0, messages: 400_000 },
  { us: 100, messages: 10_000 },
  { us: 1000, messages: 1000 },
];
const BUSY_MS = 60_000;

const HELP = `Measures what the option batching costs a server, and how late timers are with it.

Usage: node bench/batching.mjs [options]

  --backend NAME    native or ts, of server and clients (default native)
  --rounds N        runs of each kind, of which the median counts (default 11)
  --seconds N       of each run (default 0.5)
  --help            this text
`;

const { values: options } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    rounds: { type: 'string', default: '11' },
    seconds: { type: 'string', default: '0.5' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) console.log(HELP);
else {
  const rounds = Number(options.rounds);
  for (const scenario of SCENARIOS) await costs(options.backend, scenario, rounds, Number(options.seconds));
  await streams(options.backend, rounds, Number(options.seconds));
  await delays(options.backend);
}

function modeOf(kind) {
  return kind.split(' ')[0];
}

/** Every kind once a round; whatever comes first or last, it is not always the same. */
async function inTurn(rounds, run) {
  const results = new Map(KINDS.map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) results.get(kind).push(await run(kind));
  }
  return results;
}

async function costs(backend, scenario, rounds, seconds) {
  const results = await inTurn(rounds, async (kind) => {
    const sides = { client: backend, server: backend, pinning: PINNING, options: { batching: modeOf(kind) } };
    const { server, messagesPerSecond, latencyUs } = await measure({
      ...sides,
      scenario,
      size: SIZE,
      seconds,
      warmup: WARMUP,
    });
    return { cpu: server.cpuUsPerMessage, rate: messagesPerSecond, p50: latencyUs?.p50, p99: latencyUs?.p99 };
  });
  const plain = results.get('off');
  const rows = KINDS.map((kind) => {
    const runs = results.get(kind);
    const of = (value) => median(runs.map(value));
    return {
      kind,
      // Of each round: what the machine does meanwhile is much the same for all of it.
      ratio: of(({ cpu }, at) => cpu / plain[at].cpu),
      ...Object.fromEntries(['cpu', 'rate', 'p50', 'p99'].map((name) => [name, of((run) => run[name])])),
    };
  });
  const columns = [
    { title: 'batching', text: ({ kind }) => kind, left: true },
    { title: 'server CPU us/message', text: ({ cpu }) => fixed(cpu, 3) },
    { title: 'more than off', text: ({ ratio }) => `${fixed((ratio - 1) * 100, 1)} %` },
    { title: 'messages/s', text: ({ rate }) => whole(rate) },
    { title: 'p50 us', text: ({ p50 }) => whole(p50) },
    { title: 'p99 us', text: ({ p99 }) => whole(p99) },
  ];
  console.log(`${backend}, ${scenario} of ${SIZE} B, medians of ${rounds} runs\n\n${table(columns, rows)}\n`);
}

async function streams(backend, rounds, seconds) {
  const results = await inTurn(rounds, (kind) =>
    between(async (receiver, sender) => {
      const address = await receiver.ask('listen', { backend, batching: 'off', us: 0 });
      return sender.ask('stream', { backend, address, batching: modeOf(kind), seconds, warmup: WARMUP });
    }),
  );
  const plain = results.get('off');
  const rows = KINDS.map((kind) => {
    const runs = results.get(kind);
    return {
      kind,
      cpu: median(runs.map(({ cpu }) => cpu)),
      rate: median(runs.map(({ rate }) => rate)),
      ratio: median(runs.map(({ cpu }, at) => cpu / plain[at].cpu)),
    };
  });
  const columns = [
    { title: 'batching', text: ({ kind }) => kind, left: true },
    { title: 'sender CPU us/message', text: ({ cpu }) => fixed(cpu, 3) },
    { title: 'of off', text: ({ ratio }) => fixed(ratio, 2) },
    { title: 'messages/s', text: ({ rate }) => whole(rate) },
  ];
  console.log(
    `${backend}, a stream of ${SIZE} B, one each tick, medians of ${rounds} runs\n\n${table(columns, rows)}\n`,
  );
}

/** Two processes for `work`, which end with it. */
async function between(work) {
  const peers = [new Peer('busy', PINNING.server), new Peer('busy', PINNING.load)];
  try {
    await Promise.all(peers.map((peer) => peer.ready()));
    return await work(...peers);
  } finally {
    for (const peer of peers) peer.kill();
  }
}

async function delays(backend) {
  const rows = [];
  for (const { us, messages } of BUSY) {
    for (const batching of ['off', 'guarded']) {
      const result = await between(async (server, client) => {
        const address = await server.ask('listen', { backend, batching, us, messages });
        await client.ask('flood', { backend, address, messages }, BUSY_MS);
        return server.ask('result', {}, BUSY_MS);
      });
      rows.push({ us, batching, ...result });
    }
  }
  const columns = [
    { title: 'listener us', text: ({ us }) => whole(us) },
    { title: 'batching', text: ({ batching }) => batching, left: true },
    { title: 'messages/s', text: ({ perSecond }) => whole(perSecond) },
    { title: 'timer late p50 ms', text: ({ p50 }) => fixed(p50, 1) },
    { title: 'p99 ms', text: ({ p99 }) => fixed(p99, 1) },
    { title: 'longest ms', text: ({ max }) => fixed(max, 1) },
  ];
  console.log(`${backend}, a timer of 1 ms beside a listener with much to do\n\n${table(columns, rows)}`);
}
