/** A thread or a process with connections and messages under way; ends in the midst of them, if it is not ended. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

import { connect, listen } from '../../dist/index.js';
import { backendOptions } from '../lib/child.mjs';

const CLIENTS = 20;
const { backend, exits } = isMainThread ? { backend: process.argv[2], exits: true } : workerData;

const options = backendOptions(backend, 'qwh');
const server = await listen(['tcp://127.0.0.1:0', 'ws://127.0.0.1:0'], options);
let messages = 0;
server.on('message', (message, connection) => {
  messages += 1;
  connection.send(message);
  if (messages === 200) parentPort?.postMessage('busy');
  if (messages === 220 && exits) process.exit();
});
const clients = await Promise.all(
  Array.from({ length: CLIENTS }, (_, index) => connect(server.addresses[index % 2], options)),
);
for (const client of clients) {
  client.on('message', (message) => void client.send(message));
  for (let count = 0; count < 5; count += 1) client.send(Buffer.alloc(30_000));
}
