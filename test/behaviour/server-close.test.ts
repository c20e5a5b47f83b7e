/** The end of a server: draining, grace, cutting, and the same end for all who ask. */
import { CloseCode, createQWormholeServer, listen } from 'qwormhole';
import { expect, it } from 'vitest';
import { IS_TCP, ANYWHERE, call, pair, rawPair, serve, somewhere } from '../support/scene.js';
import { collect, failure, next, times, until } from '../support/wait.js';

/** Half of it is longer than most machines stand still. */
const SPREAD_MS = 1500;

it('ends connections in order and frees the port', async () => {
  const server = await serve({}, await somewhere());
  const [address] = server.addresses;
  const clients = await Promise.all(Array.from({ length: 10 }, () => call(server, { reconnect: false })));
  await until(() => server.getConnectionCount() === 10, 'the connections');
  const ends = Promise.all(clients.map((client) => next(client, 'close')));
  const closes: unknown[][] = [];
  server.on('clientClosed', (_connection, ...how) => closes.push(how));
  await server.close({ gracefulMs: 10_000 });
  expect((await ends).every(([, , clean]) => clean)).toBe(true);
  expect(closes).toEqual(times(10, [CloseCode.shutdown, expect.any(String), true]));
  expect(server.getConnectionCount()).toBe(0);
  expect([server.ready, server.addresses]).toEqual([false, []]);
  const again = await listen(address);
  await again.close();
});

it('gives those who answer at once a moment for it, also without grace', async () => {
  const { server, connection } = await pair({}, { reconnect: false });
  const closed = next(connection, 'close');
  const began = performance.now();
  await server.close();
  const [, , clean] = await closed;
  // Who cannot answer in the moment, because all of the machine stands still, is cut after it and not before.
  expect(clean || performance.now() - began > 240).toBe(true);
});

it('says that it drains before it is closed', async () => {
  const { server, client } = await pair();
  const events: string[] = [];
  for (const event of ['draining', 'clientClosed', 'close']) server.on(event, () => events.push(event));
  expect(server.ready).toBe(true);
  const closing = server.close();
  expect(server.ready).toBe(false);
  await closing;
  expect(events).toEqual(['draining', 'clientClosed', 'close']);
  await until(() => client.state !== 'open', 'the client to notice');
});

it('is the same end for all who ask', async () => {
  const server = await serve();
  let closes = 0;
  server.on('close', () => (closes += 1));
  await Promise.all([server.close(), server.shutdown(), server.close({ gracefulMs: 1000 })]);
  await server.close();
  expect(closes).toBe(1);
  expect(await failure(() => server.listen())).toMatchObject({ code: 'ERR_QW_CLOSED' });
});

it('sends what is queued within the grace', async () => {
  const server = await serve({ codec: 'json' });
  const client = await call(server, { codec: 'json', reconnect: false });
  await until(() => server.getConnectionCount() === 1, 'the connection');
  const received = collect(client, 'message', 1000);
  for (const connection of server) for (let i = 0; i < 1000; i += 1) connection.send(i);
  await server.shutdown(10_000);
  expect((await received).at(-1)).toBe(999);
});

it('cuts those who do not leave, soon without grace', async () => {
  const { server, connection } = await rawPair();
  const closed = next(connection, 'close');
  const began = performance.now();
  await server.close();
  expect(performance.now() - began).toBeLessThan(4000);
  expect((await closed)[2]).toBe(false);
});

it('waits as long as it may for those who take their time', async () => {
  const { server, peer, connection } = await rawPair();
  const closed = next(connection, 'close');
  const closing = server.close({ gracefulMs: 5000 });
  await peer.ended();
  setTimeout(() => peer.end(), 400);
  await closing;
  expect((await closed)[2]).toBe(true);
});

it('is hurried by a second caller with less patience', async () => {
  const { server } = await rawPair();
  const began = performance.now();
  const patient = server.close({ gracefulMs: 60_000 });
  await server.close({ gracefulMs: 0 });
  await patient;
  expect(performance.now() - began).toBeLessThan(4000);
});

it('spreads the ends of connections over a time', async () => {
  // Those of qwh are told when to come back, and end at once.
  const protocol = IS_TCP ? 'length-prefixed' : 'raw';
  const server = await serve({ protocol });
  const clients = await Promise.all(
    Array.from({ length: 20 }, () => call(server, { protocol, reconnect: false })),
  );
  await until(() => server.getConnectionCount() === 20, 'the connections');
  const ends: number[] = [];
  const began = performance.now();
  for (const client of clients) client.on('close', () => ends.push(performance.now() - began));
  await server.close({ gracefulMs: 10_000, spreadMs: SPREAD_MS });
  await until(() => ends.length === 20, 'the ends');
  expect(Math.max(...ends)).toBeGreaterThan(SPREAD_MS * 0.75);
  const early = ends.filter((time) => time < SPREAD_MS / 2).length;
  expect(early).toBeGreaterThan(1);
  expect(early).toBeLessThan(19);
});

it('refuses times that are none', async () => {
  const server = await serve();
  for (const gracefulMs of [-1, NaN, Infinity, 2 ** 33, '5']) {
    expect(() => server.close({ gracefulMs } as never)).toThrow(
      expect.objectContaining({ code: 'ERR_QW_OPTION_INVALID' }),
    );
  }
  expect(server.ready).toBe(true);
});

it('works for a server that never listened, and for one that is about to', async () => {
  const { server: idle } = createQWormholeServer({ endpoints: ANYWHERE });
  await idle.close();
  const { server: opening } = createQWormholeServer({ endpoints: ANYWHERE });
  const listening = failure(() => opening.listen());
  await opening.close();
  expect(await listening).toMatchObject({ code: 'ERR_QW_CLOSED' });
  expect(opening.addresses).toEqual([]);
});

it('knows its connections by their ids', async () => {
  const server = await serve();
  await Promise.all([call(server), call(server)]);
  await until(() => server.getConnectionCount() === 2, 'the connections');
  const connections = [...server];
  expect([...server.connections]).toEqual(connections);
  for (const connection of connections) {
    expect(connection.id).toMatch(/^[0-9a-f]{32}$/);
    expect(server.getConnection(connection.id)).toBe(connection);
  }
  expect(new Set(connections.map(({ id }) => id)).size).toBe(2);
  expect(server.getConnection('nobody')).toBeUndefined();
});
