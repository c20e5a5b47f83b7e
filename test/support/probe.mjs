/**
 * Makes a server or a client in a process of its own and prints what came of it as one line of JSON.
 * Arguments: role, options as JSON, number of worker threads that do the same afterwards.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createQWormholeClient, createQWormholeServer } from '../../dist/index.js';

function probe({ role, options }) {
  const endpoints = 'tcp://127.0.0.1:1';
  try {
    const made =
      role === 'server'
        ? createQWormholeServer({ endpoints, ...options })
        : createQWormholeClient({ endpoints, ...options });
    const { mode, backend, nativeAvailable } = made;
    return { mode, backend, nativeAvailable: nativeAvailable ?? 'untouched' };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

if (isMainThread) {
  const [role, options, workers] = process.argv.slice(2);
  const data = { role, options: JSON.parse(options) };
  process.stdout.write(`${JSON.stringify(probe(data))}\n`);
  const inWorkers = Array.from(
    { length: Number(workers ?? 0) },
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: data });
        worker.once('exit', resolve).once('error', reject);
      }),
  );
  await Promise.all(inWorkers);
} else {
  probe(workerData);
}
