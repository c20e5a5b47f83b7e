/**
 * An address on loopback that neither answers nor refuses: its thread never accepts, and its queue of
 * pending connections is full.
 */
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { cleanUp } from './scene.js';
import { next, sleep } from './wait.js';

/** Rests after which an attempt is unanswered: a machine that stands still prolongs one of them. */
const RESTS = 10;
const REST_MS = 10;

const BLOCKED = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** The URL; everything is freed at the end of the test. */
export async function blackHole(): Promise<string> {
  const worker = new Worker(BLOCKED, { eval: true });
  cleanUp(() => worker.terminate());
  const [port] = await next(worker, 'message');
  await sleep(20);
  const fillers: Socket[] = [];
  cleanUp(() => fillers.forEach((socket) => socket.destroy()));
  for (let i = 0; i < 20; i += 1) {
    const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {});
    fillers.push(socket);
    for (let rest = 0; rest < RESTS && socket.connecting; rest += 1) await sleep(REST_MS);
    if (socket.connecting) return `tcp://127.0.0.1:${port}`;
  }
  throw new Error('this system queues any number of connections');
}
