/** One run of one cell, whoever made it, in the words of a record. */
import { measureLoad } from './load.mjs';
import { measure } from './measure.mjs';
import { ServerProcess } from './server.mjs';

/** How our I/O threads are called. */
const IO_THREAD = 'qwormhole-io';

/** A server that does not even start. */
export class NotStarted extends Error {}

/** What runs of a cell need besides it. @typedef {{ loadgen?: string, pinning: object, seconds: number, warmup: number }} Settings */

/**
 * @param {import('./plan.mjs').Cell} cell
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {Settings} settings
 */
export function sample(cell, scenario, settings) {
  return cell.client === 'rust' ? underLoad(cell, scenario, settings) : between(cell, scenario, settings);
}

async function underLoad({ contestant }, { preset, weighs }, { loadgen, pinning, seconds, warmup }) {
  const collects = weighs === true && contestant.collects === true;
  const starting = ServerProcess.start(collects ? collecting(contestant) : contestant, pinning.server);
  const server = await starting.catch((error) => {
    throw new NotStarted(error.message, { cause: error });
  });
  try {
    const settings = { preset, seconds, warmup, core: pinning.load, collects };
    const run = await measureLoad(loadgen, server, settings);
    checkPoller(contestant, run);
    return ofLoad(run, contestant);
  } finally {
    await server.stop();
  }
}

/**
 * A figure must never stand under the wrong name: where the time was spent says which poller it was. Where the other side
 * is ours too, each says of itself what it has (`child.mjs`).
 */
function checkPoller({ io }, { server }) {
  if (!io || server?.threads === undefined) return;
  const spent = (isWanted) => server.threads.filter(isWanted).reduce((sum, { cpuUs }) => sum + cpuUs, 0);
  const onThreads = spent(({ name }) => name.startsWith(IO_THREAD));
  if (io === 'threads' && onThreads === 0) throw new Error('threads were asked for, and none did anything');
  if (io === 'inline' && onThreads > spent(({ main }) => main))
    throw new Error('inline was asked for, and threads did the work');
}

/** Node collects garbage for those who may ask for it; other runtimes always do. */
function collecting(contestant) {
  const [program, ...args] = contestant.command;
  if (program !== process.execPath) return contestant;
  return { ...contestant, command: [program, '--expose-gc', ...args] };
}

function ofLoad(run, { javascript }) {
  const { seconds, messages, messagesPerSecond, latencyUs, messagesPerBatch, checked, server, memory } = run;
  const bytes = run.size && messages * run.size;
  return {
    seconds,
    messages: messages ?? run.connections,
    bytes,
    messagesPerSecond: messagesPerSecond ?? run.openedPerSecond,
    bytesPerSecond: bytes && bytes / seconds,
    latencyUs,
    cpuUs: {
      server: server?.cpuUs,
      serverMain: javascript ? server?.mainUs : undefined,
      client: run.loadCpuUs,
    },
    rss: { server: server?.memory ?? memory?.held, ...memory },
    facts: { checked, messagesPerBatch },
  };
}

async function between(cell, { wire }, { pinning, seconds, warmup, onProgress }) {
  const { scenario, server, client, contestant, io } = cell;
  const run = await measure({
    scenario,
    client,
    server: contestant ?? server,
    scheme: contestant?.scheme ?? wire,
    io: io ?? undefined,
    pinning,
    seconds,
    warmup,
    onProgress,
  });
  // The main thread of what is no JavaScript is nothing of its own.
  if (contestant?.javascript === false) run.server.mainUsPerMessage = undefined;
  return ofPair(run);
}

function ofPair({ seconds, messages, size, latencyUs, checked, facts, ...sides }) {
  return {
    seconds,
    messages,
    bytes: messages * size,
    messagesPerSecond: messages / seconds,
    bytesPerSecond: (messages * size) / seconds,
    latencyUs,
    cpuUs: {
      server: sides.server.cpuUsPerMessage,
      serverMain: sides.server.mainUsPerMessage,
      client: sides.client.cpuUsPerMessage,
      clientMain: sides.client.mainUsPerMessage,
    },
    rss: { server: sides.server.rss, client: sides.client.rss },
    facts: { checked, ...facts },
  };
}
