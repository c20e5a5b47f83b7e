/** One scenario between one server and its clients, each side a process of its own. */
import { setTimeout } from 'node:timers/promises';

import { Peer } from './peer.mjs';
import { shapeOf } from './scenarios.mjs';

/** What a run may take beyond its time, ms: the load itself gives up earlier. */
const EXTRA_MS = 20_000;

/** How long a process that loses its connections may take to be over, ms. */
const DEATH_MS = 200;

/**
 * Measures, and checks every message. Rejects when one is wrong or missing, or when a side breaks.
 * @param {{ client: string, server: string, scenario: string, size: number, seconds: number, warmup: number,
 *   protocol?: string, telemetry?: 'off' | 'on' | 'profiling', batching?: string, pinning?: { server?: number, load?: number }, onProgress?: (messages: number) => void }} what
 */
export async function measure(what) {
  const { pinning = {}, onProgress } = what;
  const server = new Peer('server', pinning.server, onProgress);
  const client = new Peer('client', pinning.load, onProgress);
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

async function exchange(
  server,
  client,
  { client: from, server: to, scenario, size, seconds, warmup, protocol, telemetry, batching },
) {
  const shape = { size, ...shapeOf(scenario, size) };
  const address = await server.ask('start', { backend: to, protocol, scenario, size, telemetry, batching });
  await client.ask('start', { backend: from, protocol, scenario, address, batching, ...shape });
  await server.ask('admit', shape);
  const run = (ms) => client.ask('run', { ms }, ms + EXTRA_MS);

  const warm = await run(warmup * 1000);
  const before = await server.ask('usage');
  const { messages, elapsedMs, latencyUs, cpuUs } = await run(seconds * 1000);
  const after = await server.ask('usage');
  const used = await client.ask('usage');
  await client.ask('stop');
  await server.ask('stop');

  const perSecond = messages / (elapsedMs / 1000);
  return {
    messagesPerSecond: perSecond,
    megabytesPerSecond: (perSecond * size) / 1e6,
    latencyUs,
    checked: warm.messages + messages,
    connections: shape.connections,
    window: shape.window,
    client: { cpuUsPerMessage: cpuUs / messages, rss: used.rss, peakRss: used.peakRss },
    server: {
      cpuUsPerMessage: (after.cpuUs - before.cpuUs) / messages,
      rss: after.rss,
      peakRss: after.peakRss,
    },
  };
}
