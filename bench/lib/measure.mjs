/** One scenario between one server and its clients in JavaScript, each side a process of its own. */
import { setTimeout } from 'node:timers/promises';

import { ForeignServer } from './foreign-server.mjs';
import { Peer } from './peer.mjs';
import { SCENARIOS, shapeOf } from './scenarios.mjs';

/** What a run may take beyond its time, ms: the load itself gives up earlier. */
const EXTRA_MS = 20_000;

/** How long a process that loses its connections may take to be over, ms. */
const DEATH_MS = 200;

/**
 * Measures, and checks every message. Rejects when one is wrong or missing, or when a side breaks.
 * @param {object} what
 * @param {string} what.scenario
 * @param {string} what.client whose client: `native` and `ts` are ours
 * @param {string | import('./contestants.mjs').Contestant} what.server ours by its backend, or somebody else's
 * @param {string} [what.scheme] of the address of somebody else's
 * @param {number} [what.size] bytes of a message, where not the scenario's own
 * @param {number} what.seconds
 * @param {number} what.warmup
 * @param {string} [what.protocol]
 * @param {string} [what.io] the poller of ours in Rust
 * @param {'off' | 'on' | 'profiling'} [what.telemetry]
 * @param {object} [what.options] of ours on either side, besides the scenario's own
 * @param {{ server?: number, load?: number }} [what.pinning]
 * @param {(messages: number) => void} [what.onProgress]
 */
export async function measure(what) {
  const { server: serving, scheme, pinning = {}, onProgress, io } = what;
  const env = io === undefined ? {} : { QWORMHOLE_IO: io };
  const isOurs = typeof serving === 'string';
  const server = isOurs
    ? new Peer('server', pinning.server, onProgress, env)
    : new ForeignServer(serving, scheme, pinning.server);
  const client = new Peer('client', pinning.load, onProgress, env);
  try {
    await Promise.all([server.ready(), client.ready()]);
    return await exchange(server, client, what);
  } catch (error) {
    // The end of a process explains what the other one complains of.
    const end = await Promise.race([server.ended, client.ended, setTimeout(DEATH_MS)]);
    throw end === undefined ? error : new Error(end, { cause: error });
  } finally {
    server.kill();
    client.kill();
  }
}

async function exchange(server, client, { seconds, warmup, ...what }) {
  const { scenario, size, telemetry, options } = what;
  const { wire, deflate, qwh } = SCENARIOS[scenario];
  const shape = withOptions(shapeOf(scenario, size), options);
  const protocol = what.protocol ?? (qwh ? 'qwh' : undefined);
  const common = { ...shape, protocol, deflate, wire };
  const address = await server.ask('start', { ...common, backend: what.server, telemetry });
  await client.ask('start', { ...common, client: what.client, address }, EXTRA_MS);
  await server.ask('admit', { connections: shape.connections + Number(shape.event === 'pause') });
  if (shape.event === 'pause') await server.ask('clog', {}, EXTRA_MS);
  const run = (ms) => client.ask('run', { ms }, ms + EXTRA_MS);

  const warm = await run(warmup * 1000);
  const before = await server.ask('usage');
  const running = run(seconds * 1000);
  if (shape.event === 'break') await breakDown(server, client, what, seconds * 500);
  const ran = await running;
  const after = await server.ask('usage');
  const used = await client.ask('usage');
  const facts = await factsOf(server, client, shape, what);
  await client.ask('stop');
  await server.ask('stop');
  return outcome({ ran, warm, shape, before, after, used, facts });
}

function withOptions(shape, options) {
  const serverOptions = { ...shape.serverOptions, ...options };
  return { ...shape, serverOptions, clientOptions: { ...shape.clientOptions, ...options } };
}

function outcome({ ran, warm, shape, before, after, used, facts }) {
  const { messages, elapsedMs, latencyUs, cpuUs, mainUs } = ran;
  const perSecond = messages / (elapsedMs / 1000);
  const each = (us) => (Number.isFinite(us) ? us / messages : undefined);
  return {
    seconds: elapsedMs / 1000,
    messages,
    size: shape.size,
    messagesPerSecond: perSecond,
    megabytesPerSecond: (perSecond * shape.size) / 1e6,
    latencyUs,
    checked: warm.messages + messages,
    connections: shape.connections,
    window: shape.window,
    facts,
    client: {
      cpuUsPerMessage: each(cpuUs),
      mainUsPerMessage: each(mainUs),
      rss: used.rss,
      peakRss: used.peakRss,
    },
    server: {
      cpuUsPerMessage: each(after.cpuUs - before.cpuUs),
      mainUsPerMessage: each(after.mainUs - before.mainUs),
      rss: after.rss,
      peakRss: after.peakRss,
    },
  };
}

/** The native backend fails in the server where that has one, else in the clients. */
async function breakDown(server, client, what, ms) {
  await setTimeout(ms);
  await (what.server === 'native' ? server : client).ask('breakDown');
}

/** What must have happened for the scenario to be what its name says. */
async function factsOf(server, client, { presses, event, connections }, what) {
  const { pressed, returned, modes } = await client.ask('facts');
  const told = (await server.ask('facts')) ?? {};
  if (presses && pressed === 0) throw new Error('there was no backpressure');
  if (event === 'pause' && told.dropped === 0) throw new Error('the slow one was not slow enough');
  if (event !== 'break') return { pressed, ...told };
  const mode = what.server === 'native' ? told.mode : modes.join(' and ');
  if (mode !== 'ts') throw new Error(`after its failure it is on ${mode}`);
  if (returned !== connections) throw new Error(`${returned} of ${connections} clients are back`);
  return { returned, mode };
}
