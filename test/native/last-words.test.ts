/** A native link of qwh that ends and takes what still comes, until its peer's last word. */
import { expect, it } from 'vitest';
import { StreamPeer } from '../support/qwh-peer.js';
import { call, cleanUp, serve } from '../support/scene.js';
import { next, sleep, until } from '../support/wait.js';

const NATIVE = { preferNative: true, reconnect: false } as const;
const GOING = 10;

/** The link below a connection: what it is told here, a server that drains tells it. */
function linkOf(connection: any): { close(code: number, why: string, after: number, rest: boolean): void } {
  return connection.link;
}

/** A server and a client that sends without an end, and how much that was. */
async function flooded(address: string, options: object) {
  const server = await serve({ preferNative: true, ...options }, address);
  const arrived = next(server, 'connection');
  const client = await call(server, NATIVE);
  const [connection] = await arrived;
  const counts = { sent: 0 };
  const timer = setInterval(() => {
    for (let n = 0; n < 50; n += 1) if (client.send(Buffer.alloc(64)) !== 'dropped') counts.sent += 1;
  }, 1);
  cleanUp(() => clearInterval(timer));
  return { server, client, connection, counts };
}

it.each(['tcp', 'ws'])('delivers over %s what its peer sent before it heard of the end', async (scheme) => {
  const { server, client, connection, counts } = await flooded(`${scheme}://127.0.0.1:0`, {});
  let taken = 0;
  server.on('message', () => (taken += 1));
  await until(() => taken > 5000, 'a stream of messages');
  const closed = next(server, 'clientClosed');
  linkOf(connection).close(GOING, 'going', 0, true);
  const [, code, , clean] = await closed;
  expect([code, clean]).toEqual([GOING, true]);
  expect(taken).toBe(counts.sent);
  expect(client.stats().messagesDiscarded).toBe(0);
});

it('waits for handlers longer than for its peer', async () => {
  const server = await serve({ preferNative: true, concurrency: 1, closeTimeoutMs: 1000 });
  const arrived = next(server, 'connection');
  const client = await call(server, NATIVE);
  const [connection] = await arrived;
  let taken = 0;
  server.on('message', async () => {
    taken += 1;
    await sleep(30);
  });
  for (let n = 0; n < 60; n += 1) client.send('x');
  await until(() => taken > 3, 'the first');
  const closed = next(server, 'clientClosed');
  linkOf(connection).close(GOING, 'going', 0, true);
  const [, code, , clean] = await closed;
  expect([code, clean]).toEqual([GOING, true]);
  expect(taken).toBe(60);
});

it('waits no longer than closeTimeoutMs for a peer that neither sends nor leaves', async () => {
  const server = await serve({ preferNative: true, closeTimeoutMs: 150 });
  server.on('message', () => {});
  const arrived = next(server, 'connection');
  // It never answers a GOAWAY.
  const peer = new StreamPeer(server.addresses[0]);
  const [connection] = await arrived;
  const closed = next(server, 'clientClosed');
  linkOf(connection).close(GOING, 'going', 0, true);
  const [, , , clean] = await closed;
  expect([peer.isReady, clean]).toEqual([true, false]);
  expect(server.errors[0]).toMatchObject({ code: 'ERR_QW_CLOSE_TIMEOUT' });
});

it('drops as ever what nobody listens to', async () => {
  const server = await serve({ preferNative: true });
  const arrived = next(server, 'connection');
  const client = await call(server, NATIVE);
  const [connection] = await arrived;
  for (let n = 0; n < 60; n += 1) client.send('x');
  await sleep(50);
  const closed = next(server, 'clientClosed');
  const startedAt = performance.now();
  linkOf(connection).close(GOING, 'going', 0, true);
  const [, code, , clean] = await closed;
  expect([code, clean]).toEqual([GOING, true]);
  expect(performance.now() - startedAt).toBeLessThan(4000);
});
