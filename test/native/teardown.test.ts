/** Workers and processes that end under load: no abort, and soon. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Child } from '../support/child.js';

const BUSY = new URL('../support/busy.mjs', import.meta.url);
/** Far less than anything here waits for, and more than a busy machine needs. */
const WITHIN_MS = 5000;

async function busyWorker(connections: number): Promise<Worker> {
  const worker = new Worker(BUSY, { workerData: { connections } });
  const [said] = (await once(worker, 'message')) as [{ mode: string; count: number }];
  expect(said).toMatchObject({ mode: 'native', count: connections });
  return worker;
}

async function terminated(worker: Worker): Promise<number> {
  const from = performance.now();
  await worker.terminate();
  return performance.now() - from;
}

test('worker.terminate() with a thousand live connections', async () => {
  const worker = await busyWorker(1000);
  expect(await terminated(worker)).toBeLessThan(WITHIN_MS);
});

test('workers that come and go, several at once', async () => {
  for (let round = 0; round < 5; round += 1) {
    const workers = await Promise.all(Array.from({ length: 4 }, () => busyWorker(50)));
    for (const took of await Promise.all(workers.map(terminated))) expect(took).toBeLessThan(WITHIN_MS);
  }
}, 60_000);

test.each([
  ['process.exit()', 'exit', 7],
  ['an uncaught exception', 'throw', 1],
])('%s with a thousand live connections', async (_, end, code) => {
  const child = new Child('./busy.mjs', ['1000', end]);
  const { mode, at } = await child.line();
  expect(mode).toBe('native');
  expect(await child.ended()).toEqual({ code, signal: null });
  expect(Date.now() - (at as number)).toBeLessThan(WITHIN_MS);
});
