/** Nothing is delivered before somebody listens, and nothing is lost for it. */
import { expect, it } from 'vitest';
import { call, IS_SECURE, pair, rawPair, serve } from '../support/scene.js';
import { collect, next, sleep, until } from '../support/wait.js';

it('never loses a message that the server sends at once', { timeout: 60_000 }, async () => {
  const server = await serve({ codec: 'text' });
  server.on('connection', (connection) => connection.send('welcome'));
  // A TLS handshake takes ten times as long.
  const rounds = IS_SECURE ? 200 : 1000;
  for (let i = 0; i < rounds; i += 1) {
    const client = await call(server, { codec: 'text' });
    if (i % 3 === 1) await new Promise(setImmediate);
    if (i % 20 === 2) await sleep(3);
    expect(await next(client, 'message')).toEqual(['welcome']);
    await client.close();
  }
});

it('holds messages for a listener that comes late', async () => {
  const { client, connection } = await pair({ codec: 'json' });
  for (let i = 0; i < 100; i += 1) connection.send(i);
  await sleep(50);
  expect(await collect(client, 'message', 100)).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

it('does not read while nobody listens: the peer feels it', async () => {
  const { peer, connection, server } = await rawPair();
  const block = Buffer.alloc(64 * 1024);
  let written = 0;
  for (let i = 0; i < 1000; i += 1) {
    peer.send(block);
    written += block.length;
  }
  await sleep(200);
  expect(peer.socket.writableLength).toBeGreaterThan(written / 4);
  let received = 0;
  connection.on('message', (message: Buffer) => (received += message.length));
  await until(() => received === written, 'everything');
  expect(server.stats().received.bytes).toBe(written);
});

it('opens for a listener of the server too', async () => {
  const { server, client } = await pair({ codec: 'text' });
  client.send('early');
  await sleep(20);
  expect((await next(server, 'message'))[0]).toBe('early');
});

it('holds again when the last listener is gone', async () => {
  const { client, connection } = await pair({ codec: 'json' });
  const seen: number[] = [];
  const onMessage = (message: number): void => {
    seen.push(message);
    if (message === 1) client.off('message', onMessage);
  };
  client.on('message', onMessage);
  for (let i = 0; i < 4; i += 1) connection.send(i);
  await until(() => seen.length === 2, 'two messages');
  await sleep(20);
  expect(seen).toEqual([0, 1]);
  expect(await collect(client, 'message', 2)).toEqual([2, 3]);
});

it('gives one message to each once', async () => {
  const { client, connection } = await pair({ codec: 'json' });
  for (let i = 0; i < 5; i += 1) connection.send(i);
  for (let i = 0; i < 5; i += 1) expect(await next(client, 'message')).toEqual([i]);
});

it('sends while nothing is read', async () => {
  const { client, server } = await pair({ codec: 'text' });
  const received = next(server, 'message');
  expect(client.send('I do not listen')).toBe('sent');
  expect((await received)[0]).toBe('I do not listen');
});

it('notices that a peer leaves although nobody listens', async () => {
  const { peer, server } = await rawPair();
  const left = next(server, 'clientClosed');
  peer.end();
  const [, code, , clean] = await left;
  expect([code, clean]).toEqual([0, true]);
});

it('delivers what was held before the end, when somebody listens at last', async () => {
  const { peer, connection } = await rawPair({ codec: 'text' });
  const order: string[] = [];
  connection.on('close', () => order.push('close'));
  peer.send('one');
  peer.send('two');
  peer.end();
  await sleep(50);
  expect(order).toEqual([]);
  connection.on('message', (message) => order.push(message));
  await until(() => order.includes('close'), 'the close');
  expect(order).toEqual(['one', 'two', 'close']);
});
