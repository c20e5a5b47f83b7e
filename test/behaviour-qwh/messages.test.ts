/** Messages of protocol qwh: sizes, classes, limits of the other end, and the last words of a connection. */
import { CloseCode } from 'qwormhole';
import { expect, it } from 'vitest';
import { call, cleanUp, echo, pair, serve, somewhere, stuffKernel } from '../support/scene.js';
import { collect, failure, next, until } from '../support/wait.js';

it.each([0, 1, 64, 16_383, 16_384, 16_385, 65_535, 65_536, 300_000, 2_000_000])(
  'carries %d bytes and the next message',
  async (size) => {
    const { server, client } = await pair();
    echo(server);
    const answers = collect<Buffer>(client, 'message', 2);
    const message = Buffer.alloc(size, 'qwh');
    client.send(message);
    client.send('behind');
    const [first, second] = await answers;
    expect(first.equals(message)).toBe(true);
    expect(String(second)).toBe('behind');
  },
);

it('keeps the order of many small messages', async () => {
  const { client, connection } = await pair({ codec: 'json' });
  const count = 20_000;
  const received = collect<number>(connection as never, 'message', count);
  for (let number = 0; number < count; number += 1) {
    if (client.send(number) === 'backpressure') await client.drained();
  }
  expect(await received).toEqual(Array.from({ length: count }, (_, number) => number));
});

it('lets a high message overtake the rest of a low one', async () => {
  const { client, connection } = await pair({}, { maxQueued: 16 * 1024 * 1024 });
  await stuffKernel(client, Buffer.alloc(65_536));
  const bulk = 3_900_000;
  client.send(Buffer.alloc(bulk), { class: 'low' });
  client.flush();
  client.send(Buffer.alloc(100), { class: 'high' });
  const received: number[] = [];
  connection.on('message', (message: Buffer) => received.push(message.length));
  await until(() => received.includes(bulk), 'the bulk');
  expect(received.slice(-2)).toEqual([100, bulk]);
});

it('does not offer a peer more than it takes', async () => {
  const { server, client, connection } = await pair({ maxMessage: 1000 });
  expect((await failure(() => client.send(Buffer.alloc(1001)))).code).toBe('ERR_QW_TOO_BIG');
  expect(client.send(Buffer.alloc(1000))).toBe('sent');
  const small = await call(server, { maxMessage: 10 });
  await until(() => server.getConnectionCount() === 2, 'both connections');
  const dropped = next(server, 'dropped');
  const heard = next(client, 'message');
  expect(server.broadcast(Buffer.alloc(11))).toEqual({ accepted: 1, dropped: 1 });
  expect((await dropped)[0]).toMatchObject({ reason: 'too-big', count: 1, bytes: 11 });
  await heard;
  expect(small.state).toBe('open');
  expect(connection.state).toBe('open');
});

it('tells the other end why it closes', async () => {
  const { server, client } = await pair();
  const there = next(server, 'clientClosed');
  const here = next(client, 'close');
  const reason = 'r'.repeat(250);
  await client.close(CloseCode.taken_over, reason);
  expect(await here).toEqual([CloseCode.taken_over, reason, true]);
  expect((await there).slice(1)).toEqual([CloseCode.taken_over, reason, true]);
});

it('answers what came before the peer left', async () => {
  const { server, client } = await pair();
  echo(server);
  const received: string[] = [];
  client.on('message', (message) => received.push(String(message)));
  for (let number = 0; number < 100; number += 1) client.send(`message ${number}`);
  await client.close();
  await until(() => server.getConnectionCount() === 0, 'the end');
  expect(server.stats().accepted.messages).toBe(100);
});

it('says that the server goes away, and the client comes back', async () => {
  const server = await serve({}, await somewhere());
  const client = await call(server, { reconnect: { baseMs: 5, capMs: 20 } });
  await until(() => server.getConnectionCount() === 1, 'the connection');
  const lost = next(client, 'disconnect');
  const [address] = server.addresses;
  await server.close({ gracefulMs: 10_000 });
  expect(await lost).toEqual([CloseCode.shutdown, 'the server is going away', true]);
  const again = next(client, 'ready');
  const back = await serve({}, address);
  cleanUp(() => back.close());
  await again;
  expect(client.handshake!.version).toBe(1);
});

it('is lost without a last word when it is cut', async () => {
  const { server, client } = await pair();
  const there = next(server, 'clientClosed');
  client.terminate();
  const [, code, , clean] = await there;
  expect([code, clean]).toEqual([CloseCode.timeout, false]);
});
