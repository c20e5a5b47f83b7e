/** `for await` over messages: in order, no faster than the loop, and over when the connection is. */
import { expect, it } from 'vitest';
import { pair, rawPair } from '../support/scene.js';
import { sleep, until } from '../support/wait.js';

it('gives every message in order and ends with the connection', async () => {
  const { client, connection } = await pair({ codec: 'json' });
  for (let i = 0; i < 500; i += 1) client.send(i);
  void client.close();
  const seen: number[] = [];
  for await (const message of connection) seen.push(message);
  expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i));
});

it('reads no faster than the loop takes', async () => {
  const { connection, peer } = await rawPair();
  const iterator = connection[Symbol.asyncIterator]();
  const total = 1000;
  for (let i = 0; i < total; i += 1) peer.send(Buffer.alloc(65_536));
  expect((await iterator.next()).done).toBe(false);
  await sleep(200);
  expect(connection.stats().received.messages).toBeLessThan(200);
  for (let i = 1; i < total; i += 1) await iterator.next();
  expect(connection.stats().received.messages).toBe(total);
});

it('ends early by break, and the messages wait for the next listener', async () => {
  const { client, connection } = await pair({ codec: 'json' });
  client.send(0);
  for await (const message of connection) {
    expect(message).toBe(0);
    break;
  }
  client.send(1);
  await sleep(20);
  expect(connection.stats().received.messages).toBe(1);
  for await (const message of connection) {
    expect(message).toBe(1);
    break;
  }
});

it('starts with the first step, not with the iterator', async () => {
  const { client, connection } = await pair({ codec: 'json' });
  const iterator = connection[Symbol.asyncIterator]();
  client.send('early');
  await sleep(20);
  expect(connection.stats().received.messages).toBe(0);
  expect(await iterator.next()).toEqual({ value: 'early', done: false });
});

it('answers several calls of next in order', async () => {
  const { client, connection } = await pair({ codec: 'json' });
  const iterator = connection[Symbol.asyncIterator]();
  const three = Promise.all([iterator.next(), iterator.next(), iterator.next()]);
  for (const message of ['a', 'b', 'c']) client.send(message);
  expect((await three).map(({ value }) => value)).toEqual(['a', 'b', 'c']);
});

it('lets several loops have every message', async () => {
  const { client, connection } = await pair({ codec: 'json' });
  const run = async (): Promise<number[]> => {
    const seen: number[] = [];
    for await (const message of connection) seen.push(message);
    return seen;
  };
  const both = Promise.all([run(), run()]);
  for (let i = 0; i < 100; i += 1) client.send(i);
  await client.close();
  const [first, second] = await both;
  expect(first).toHaveLength(100);
  expect(second).toEqual(first);
});

it('ends when the connection is reset', async () => {
  const { peer, connection } = await rawPair();
  const loop = (async () => {
    let count = 0;
    for await (const message of connection) count += message.length > 0 ? 1 : 0;
    return count;
  })();
  peer.send('one');
  await until(() => connection.stats().received.messages === 1, 'the message');
  peer.reset();
  expect(await loop).toBe(1);
});
