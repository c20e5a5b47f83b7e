/** A message is a view of memory that others share: transferring it takes nothing away from them. */
import { MessageChannel } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { call, cleanUp, pair, rawPair, serve } from '../support/scene.js';
import { until } from '../support/wait.js';

const WAYS: readonly [string, (message: Buffer) => void][] = [
  [
    'structuredClone',
    (message) => void structuredClone(message, { transfer: [message.buffer as ArrayBuffer] }),
  ],
  [
    'postMessage',
    (message) => {
      const { port1, port2 } = new MessageChannel();
      cleanUp(() => port2.close());
      port1.postMessage(message, [message.buffer as ArrayBuffer]);
      port1.close();
    },
  ],
];

/** Transfers as a program that knows no better; the refusal is an error where Node has one, else it copies. */
function tryTo(transfer: (message: Buffer) => void, message: Buffer): void {
  try {
    transfer(message);
  } catch (error) {
    expect((error as Error).name).toBe('DataCloneError');
  }
}

const texts = (count: number, of: string): string[] => Array.from({ length: count }, (_, i) => `${of} ${i}`);

it.each(WAYS)('by %s leaves the other messages of all connections as they are', async (_way, transfer) => {
  const server = await serve();
  const kept: Buffer[] = [];
  const seen: string[] = [];
  server.on('message', (message: Buffer) => {
    seen.push(String(message));
    if (seen.length % 3 === 0) tryTo(transfer, message);
    else kept.push(message);
  });
  const clients = await Promise.all(Array.from({ length: 4 }, () => call(server)));
  for (const of of ['first', 'second']) {
    for (const [number, client] of clients.entries())
      for (const text of texts(50, `${of} ${number}`)) client.send(Buffer.from(text));
    await until(() => seen.length % 200 === 0 && seen.length > 0, 'the messages');
  }
  await until(() => seen.length === 400, 'the messages');
  const sent = ['first', 'second'].flatMap((of) =>
    clients.flatMap((_, number) => texts(50, `${of} ${number}`)),
  );
  expect(seen.toSorted()).toEqual(sent.toSorted());
  expect(kept.map(String)).toEqual(seen.filter((_, index) => index % 3 !== 2));
  expect(server.errors).toEqual([]);
});

it('leaves a message that is not whole yet as it is', async () => {
  const { connection, peer } = await rawPair();
  const seen: string[] = [];
  connection.on('message', (message: Buffer) => {
    seen.push(String(message));
    tryTo(WAYS[0][1], message);
  });
  const long = 'x'.repeat(40_000);
  const stream = Buffer.concat(['short', long, 'last'].map((text) => peer.pack(Buffer.from(text))));
  peer.write(stream.subarray(0, 30_000));
  await until(() => seen.length === 1, 'the first');
  peer.write(stream.subarray(30_000));
  await until(() => seen.length === 3, 'the others');
  expect(seen).toEqual(['short', long, 'last']);
});

it('can be done with a copy', async () => {
  const { client, connection } = await pair({ copy: true });
  const [message] = await new Promise<Buffer[]>((resolve) => {
    connection.once('message', (...values) => resolve(values));
    client.send(Buffer.from('mine'));
  });
  const moved = structuredClone(message, { transfer: [message.buffer as ArrayBuffer] });
  expect([Buffer.from(moved).toString(), message.length]).toEqual(['mine', 0]);
});
