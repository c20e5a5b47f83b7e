/** A bench process as seen from the inside: it answers its parent's requests, and ends with it. */

import { mainThreadUs } from './cpu.mjs';

/** Answers `{ id, method, params }` by calling `methods[method](params)`. */
export function serveParent(methods) {
  process.on('message', async ({ id, method, params }) => {
    try {
      process.send({ id, result: await methods[method](params) });
    } catch (error) {
      process.send({ id, error: error.message });
    }
  });
  // Whatever became of the parent: nobody needs this process any more.
  process.on('disconnect', () => process.exit());
  process.send({ ready: true });
}

/** Says how far it is. */
export function tellParent(progress) {
  process.send({ progress });
}

/** Processor time and memory of this whole process, all threads, and the time of its JavaScript thread alone. */
export function usage() {
  const { user, system } = process.cpuUsage();
  return {
    cpuUs: user + system,
    mainUs: mainThreadUs(process.pid),
    rss: process.memoryUsage.rss(),
    peakRss: process.resourceUsage().maxRSS * 1024,
  };
}

/** What these benches measure, unless they say otherwise: the framing alone, as their earlier figures did. */
const PROTOCOL = 'length-prefixed';

/** The options that choose a backend, which the environment must not forbid, and the protocol. */
export function backendOptions(backend, protocol = PROTOCOL) {
  return { forceTs: backend === 'ts', preferNative: backend === 'native', protocol };
}

/** A figure must never stand under the wrong name: that of a backend, nor that of a poller that the environment names. */
export function checkBackend(wanted, { mode, io }) {
  if (mode !== wanted) throw new Error(`the backend is ${mode} where ${wanted} was asked for`);
  const poller = process.env.QWORMHOLE_IO ?? '';
  if (mode === 'native' && ['threads', 'inline'].includes(poller) && io !== poller)
    throw new Error(`io is ${io} where ${poller} was asked for`);
}
