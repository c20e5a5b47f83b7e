/** Topics, with subscribers over TCP and over WebSocket. */
import { expect, it } from 'vitest';
import { call, serve } from '../support/scene.js';
import { failure, next, times, until } from '../support/wait.js';

const BOTH = ['tcp://127.0.0.1:0', 'ws://127.0.0.1:0/'];

async function subscribed(options: object = {}, each = 2) {
  const server = await serve({ codec: 'json', ...options }, BOTH);
  server.on('connection', (connection) => connection.subscribe('news'));
  const clients = [];
  for (const address of server.addresses)
    for (let i = 0; i < each; i += 1) clients.push(await call(address, { codec: 'json' }));
  await until(() => server.getConnectionCount() === 2 * each, 'all');
  return { server, clients };
}

it('reach all who are subscribed, on both carriers', async () => {
  const { server, clients } = await subscribed();
  expect(server.getSubscriberCount('news')).toBe(4);
  expect(server.getSubscriberCount('other')).toBe(0);
  const seen = clients.map((client) => next(client, 'message'));
  expect(server.publish('news', { n: 1 })).toEqual({ accepted: 4, dropped: 0 });
  expect(await Promise.all(seen)).toEqual(times(4, [{ n: 1 }]));
  expect(server.publish('other', { n: 2 })).toEqual({ accepted: 0, dropped: 0 });
});

it('keep the order with everything else that is sent', async () => {
  const { server, clients } = await subscribed();
  const seen = clients.map(() => [] as number[]);
  clients.forEach((client, i) => client.on('message', (message: number) => seen[i].push(message)));
  for (let n = 0; n < 3000; n += 3) {
    server.publish('news', n);
    server.broadcast(n + 1);
    for (const connection of server) connection.send(n + 2);
  }
  await until(() => seen.every((list) => list.length === 3000), 'all');
  for (const list of seen) expect(list).toEqual(Array.from({ length: 3000 }, (_, n) => n));
});

it('leave out who is excepted, who has unsubscribed, and who is gone', async () => {
  const { server, clients } = await subscribed();
  const [first, second] = server;
  expect(server.publish('news', 1, { except: first })).toEqual({ accepted: 3, dropped: 0 });
  second.unsubscribe('news');
  second.unsubscribe('news');
  expect(second.topics).toEqual([]);
  expect(server.publish('news', 1, { except: [first.id] })).toEqual({ accepted: 2, dropped: 0 });
  await Promise.all(clients.slice(2).map((client) => client.close()));
  await until(() => server.getConnectionCount() === 2, 'the ends');
  expect(server.getSubscriberCount('news')).toBe(1);
  for (const client of clients) await client.close();
  await until(() => server.getSubscriberCount('news') === 0, 'nobody');
});

it('add up when a reader is slow', async () => {
  const server = await serve({ maxQueued: 256 * 1024 }, BOTH);
  server.on('connection', (connection) => connection.subscribe('t'));
  const slow = await Promise.all(server.addresses.map((address) => call(address)));
  await until(() => server.getSubscriberCount('t') === 2, 'both');
  const block = Buffer.alloc(64 * 1024);
  let [accepted, dropped] = [0, 0];
  for (let i = 0; i < 500; i += 1) {
    const result = server.publish('t', block);
    accepted += result.accepted;
    dropped += result.dropped;
    if (i % 10 === 0) await new Promise(setImmediate);
  }
  expect(accepted + dropped).toBe(1000);
  expect(dropped).toBeGreaterThan(0);
  const received = slow.map((client) => {
    const count = { messages: 0 };
    client.on('message', () => (count.messages += 1));
    return count;
  });
  await until(() => received[0].messages + received[1].messages === accepted, 'all that was accepted');
});

it('are text where the codec makes text, and what is told where it is told', async () => {
  const server = await serve({}, BOTH);
  server.on('connection', (connection) => connection.subscribe('t'));
  const client = await call(server.addresses[1]);
  await until(() => server.getSubscriberCount('t') === 1, 'it');
  const seen: unknown[] = [];
  client.on('message', (message) => seen.push(message));
  const bytes = Buffer.from('bytes');
  server.publish('t', 'text');
  server.publish('t', bytes);
  server.publish('t', bytes, { text: true });
  server.publish('t', 'text', { text: false });
  bytes.fill(0);
  await until(() => seen.length === 4, 'all');
  expect(seen).toEqual(['text', Buffer.from('bytes'), 'bytes', Buffer.from('text')]);
});

it('are bounded in length and number', async () => {
  const { server } = await subscribed({ maxTopics: 3 }, 1);
  const [connection] = server;
  connection.subscribe('é'.repeat(128));
  connection.subscribe('b');
  connection.subscribe('b');
  expect(await failure(async () => connection.subscribe('c'))).toMatchObject({
    code: 'ERR_QW_TOO_MANY_TOPICS',
  });
  expect(connection.topics).toEqual(['news', 'é'.repeat(128), 'b']);
  connection.unsubscribe('b');
  connection.subscribe('c');
  for (const topic of ['', 'x'.repeat(257), 7, undefined])
    expect(await failure(async () => connection.subscribe(topic as never))).toMatchObject({
      code: 'ERR_QW_OPTION_INVALID',
    });
});

it('take no subscription after the end', async () => {
  const { server } = await subscribed({}, 1);
  const [connection] = server;
  await connection.close();
  connection.subscribe('late');
  expect(server.getSubscriberCount('late')).toBe(0);
});

it('reach two hundred subscribers on each carrier in order and once, and add up when queues are full', async () => {
  const each = 200;
  const bounds = { codec: 'json', maxQueued: 128 * 1024 };
  // Natively the kernel would take it all meanwhile; in TypeScript a large message waits for the end of the tick.
  const server = await serve({ ...bounds, sendBufferSize: 16 * 1024 }, BOTH).catch(() => serve(bounds, BOTH));
  server.on('connection', (connection) => connection.subscribe('news'));
  const seen: number[][] = [];
  for (const address of server.addresses)
    for (let i = 0; i < each; i += 50) {
      const clients = await Promise.all(times(50, address).map((url) => call(url, { codec: 'json' })));
      for (const client of clients) {
        const list: number[] = [];
        seen.push(list);
        client.on('message', ({ n }: { n: number }) => list.push(n));
      }
    }
  await until(() => server.getSubscriberCount('news') === 2 * each, 'all');
  const total = { accepted: 0, dropped: 0 };
  let n = 0;
  const send = (rounds: number, pad: string): void => {
    for (const end = n + rounds; n < end; n += 1) {
      const result = n % 3 === 0 ? server.broadcast({ n, pad }) : server.publish('news', { n, pad });
      total.accepted += result.accepted;
      total.dropped += result.dropped;
    }
  };
  for (let round = 0; round < 20; round += 1) {
    send(10, 'short');
    await until(() => seen.every((list) => list.length === n), 'that all have it');
  }
  for (const list of seen) expect(list).toEqual(Array.from({ length: 200 }, (_, at) => at));
  expect(total).toEqual({ accepted: 200 * 2 * each, dropped: 0 });
  // More at once than a queue may hold.
  send(4, 'x'.repeat(100_000));
  expect(total.accepted + total.dropped).toBe(204 * 2 * each);
  expect(total.dropped).toBeGreaterThan(0);
  const delivered = (): number => seen.reduce((sum, list) => sum + list.length, 0);
  await until(() => delivered() === total.accepted, 'what was accepted');
  for (const list of seen) expect(list).toEqual([...new Set(list)].toSorted((a, b) => a - b));
  const { accepted, dropped, bytesWritten, bufferedAmount, bytesDiscarded } = server.stats();
  expect(accepted.messages).toBe(total.accepted);
  expect(dropped['queue-full'].messages).toBe(total.dropped);
  expect(accepted.bytes).toBe(bytesWritten + bufferedAmount + bytesDiscarded);
});
