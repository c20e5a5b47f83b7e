/** The process that is looked at: runs one load, and says what it holds whenever it is at rest. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const settings = JSON.parse(process.argv[2]);
const { run } = await import(`./${settings.load}.mjs`);

/** Ends of connections, and finalizers behind a collection, need turns of the event loop. */
const TURNS = 3;
/** A connection that ends is gone so soon, or it is not going to be, ms. */
const PATIENCE_MS = 20_000;

/** What is held once nothing goes on; waits until `isAtRest` says so. */
async function sample(done, isAtRest = () => true) {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!isAtRest()) {
    if (performance.now() > giveUpAt) throw new Error(`${done}: not everything has ended`);
    await sleep(5);
  }
  for (let turn = 0; turn < TURNS; turn += 1) {
    globalThis.gc();
    await sleep(10);
  }
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const descriptors = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
  const handles = process.getActiveResourcesInfo().length;
  process.send({ sample: { rss, heap: heapUsed, external, arrayBuffers, handles, descriptors }, done });
}

await run(settings, sample);
process.disconnect();
