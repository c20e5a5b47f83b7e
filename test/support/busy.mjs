/**
 * A thread with a thousand live connections, both ends its own and all of them busy; in a worker or in the
 * main thread. Arguments (main thread): connections, and how the process ends, `exit` or `throw`.
 */
import { setImmediate } from 'node:timers/promises';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { connect, listen } from '../../dist/index.js';

/** Connections made at once. */
const AT_ONCE = 50;

async function beBusy(connections) {
  const server = await listen('tcp://127.0.0.1:0');
  server.on('message', (message, connection) => connection.send(message));
  for (let made = 0; made < connections; made += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, () => connect(server.addresses[0]));
    for (const client of await Promise.all(some)) {
      client.on('message', (message) => client.send(message));
      client.send(Buffer.alloc(64));
    }
  }
  // A client may hear of a connection before its server does.
  while (server.getConnectionCount() < connections) await setImmediate();
  return server;
}

if (isMainThread) {
  const [connections, end] = process.argv.slice(2);
  const server = await beBusy(Number(connections));
  setTimeout(() => {
    process.stdout.write(`${JSON.stringify({ mode: server.mode, at: Date.now() })}\n`);
    if (end === 'throw') throw new Error('uncaught on purpose');
    process.exit(7);
  }, 200);
} else {
  const server = await beBusy(workerData.connections);
  parentPort.postMessage({ mode: server.mode, io: server.io, count: server.getConnectionCount() });
}
