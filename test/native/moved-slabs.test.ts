/**
 * A message is a view of memory that other messages share, and that the I/O thread may still write to. A program
 * that moves `message.buffer` elsewhere harms neither.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { pair } from '../support/scene.js';
import { until } from '../support/wait.js';

const MESSAGES = 4000;
const SIZE = 500;
const EVERY = 50;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

type Move = (message: Buffer<ArrayBuffer>) => unknown;

function post({ buffer }: Buffer<ArrayBuffer>): void {
  const { port1 } = new MessageChannel();
  port1.postMessage(buffer, [buffer]);
  port1.close();
}

const moves: Record<string, Move> = {
  'structuredClone()': ({ buffer }) => structuredClone(buffer, { transfer: [buffer] }),
  'postMessage()': post,
  'transfer()': ({ buffer }) => (buffer as unknown as { transfer(length: number): unknown }).transfer(0),
  'a byte stream': (message) =>
    new ReadableStream({ type: 'bytes', start: (stream) => stream.enqueue(message) }),
};

/** Some of these are refused, which of them depends on the version of Node. */
function attempt(move: Move, message: Buffer<ArrayBuffer>): void {
  try {
    move(message);
  } catch {
    // Refused.
  }
}

test.each(Object.entries(moves))('%s of the memory of a message', async (_, move) => {
  const { connection, client, server } = await pair({}, { forceTs: true });
  let received = 0;
  let intact = 0;
  connection.on('message', (message: Buffer<ArrayBuffer>) => {
    received += 1;
    if (message.length === SIZE && message.every((byte) => byte === 65)) intact += 1;
    if (received % EVERY === 1) attempt(move, message);
  });
  for (let sent = 0; sent < MESSAGES; sent += 1) {
    client.send(Buffer.alloc(SIZE, 65));
    if (sent % EVERY !== 0) continue;
    await turn();
    if (sent % (20 * EVERY) === 0) collectGarbage();
  }
  await until(() => received === MESSAGES, 'all messages');
  expect(intact).toBe(MESSAGES);
  expect(server.errors).toEqual([]);
});
