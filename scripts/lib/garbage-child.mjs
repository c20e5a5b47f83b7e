/** A server that echoes, and says how much of its heap is in use when it is asked: the other side of garbage.mjs. */
import { PerformanceObserver } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';

import { listen } from '../../dist/index.js';

/** What V8 does besides, compiling above all, and the reports of collections have come by then, ms. */
const QUIET_MS = 50;

const { backend, scheme } = JSON.parse(process.argv[2]);
const server = await listen(`${scheme}://127.0.0.1:0`, {
  protocol: 'length-prefixed',
  forceTs: backend === 'ts',
  preferNative: backend === 'native',
});
if (server.mode !== backend) throw new Error(`the backend is ${server.mode}, ${backend} was asked for`);
server.on('message', (message, connection) => connection.send(message));

let collections = 0;
new PerformanceObserver((list) => (collections += list.getEntries().length)).observe({ entryTypes: ['gc'] });

process.on('disconnect', () => process.exit());
process.on('message', async (wish) => {
  await setTimeout(QUIET_MS);
  if (wish === 'collect') {
    globalThis.gc();
    await setTimeout(QUIET_MS);
  }
  process.send({ used: getHeapStatistics().used_heap_size, collections });
});
process.send({ port: Number(new URL(server.addresses[0]).port) });
