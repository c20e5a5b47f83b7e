/** A client that loses its connection comes back, with its listeners and its identity. */
import { connect, createQWormholeClient, listen } from 'qwormhole';
import { expect, it } from 'vitest';
import { freePort } from '../support/ports.js';
import { RawServer, socketBelow } from '../support/raw-peer.js';
import { SPEAKING, call, cleanUp, echo, rawServed, serve, somewhere } from '../support/scene.js';
import { failure, next, sleep, until } from '../support/wait.js';

const fast = { reconnect: { baseMs: 5, capMs: 50 } };

it('comes back and keeps its listeners', async () => {
  const { raw, client, peer } = await rawServed({ ...fast, codec: 'text' });
  const seen: string[] = [];
  client.on('message', (message) => seen.push(message));
  const { id } = client;
  const events: string[] = [];
  for (const event of ['disconnect', 'reconnecting', 'connect', 'ready', 'close'])
    client.on(event, () => events.push(event));
  peer.send('first');
  await until(() => seen.length === 1, 'the first message');
  peer.reset();
  const again = await raw.peer(1);
  again.send('second');
  await until(() => seen.length === 2, 'the second message');
  expect(seen).toEqual(['first', 'second']);
  expect(client.id).toBe(id);
  expect(client.state).toBe('open');
  expect(events.filter((event) => event !== 'reconnecting')).toEqual(['disconnect', 'connect', 'ready']);
  expect(client.stats()).toMatchObject({ connects: 2, disconnects: 1 });
});

it('comes back after an end in order too', async () => {
  const { raw, client, peer } = await rawServed(fast);
  const lost = next(client, 'disconnect');
  peer.end();
  expect(await lost).toEqual([0, '', true]);
  await raw.peer(1);
  await until(() => client.state === 'open', 'the connection');
});

it('keeps trying while the server is away, and finds it when it is back', async () => {
  const server = await listen(await somewhere());
  const [address] = server.addresses;
  const client = await call(address, fast);
  const attempts: number[] = [];
  client.on('reconnecting', (attempt, delayMs, error) => {
    attempts.push(attempt);
    expect(delayMs).toBeLessThanOrEqual(50);
    if (attempt > 1) expect(error?.code).toBe('ERR_QW_CONNECT_REFUSED');
  });
  await server.close();
  await until(() => attempts.length >= 4, 'some attempts');
  expect(attempts).toEqual(attempts.map((_, i) => i + 1));
  const back = await serve({}, address);
  await until(() => back.getConnectionCount() === 1, 'the client');
  await until(() => client.state === 'open', 'its own view of it');
});

it('gives up after so many attempts, and closes once', async () => {
  const server = await listen(await somewhere());
  const client = await call(server, { reconnect: { baseMs: 1, capMs: 2, maxAttempts: 3 } });
  const closed = next(client, 'close');
  const attempts: number[] = [];
  client.on('reconnecting', (attempt) => attempts.push(attempt));
  await server.close();
  const [, , clean] = await closed;
  expect(clean).toBe(false);
  expect(attempts).toEqual([1, 2, 3]);
  expect(client.state).toBe('closed');
  expect(client.errors.at(-1)?.code).toBe('ERR_QW_CONNECT_REFUSED');
  expect(await failure(() => client.connect())).toMatchObject({ code: 'ERR_QW_CLOSED' });
});

it('does not come back when told not to', async () => {
  const { client, peer } = await rawServed({ reconnect: false });
  const order: string[] = [];
  for (const event of ['disconnect', 'close', 'reconnecting']) client.on(event, () => order.push(event));
  peer.end();
  await until(() => order.includes('close'), 'the close');
  expect(order).toEqual(['disconnect', 'close']);
});

it('rejects when the first attempt fails', async () => {
  const port = await freePort();
  expect(await failure(() => connect(`tcp://127.0.0.1:${port}`))).toMatchObject({
    code: 'ERR_QW_CONNECT_REFUSED',
    retriable: true,
    details: { errno: 'ECONNREFUSED', syscall: 'connect', what: `127.0.0.1:${port}` },
  });
});

it('can be told to connect again after that', async () => {
  const port = await freePort();
  const { client } = createQWormholeClient({ ...SPEAKING, endpoints: `tcp://127.0.0.1:${port}` });
  cleanUp(() => client.close());
  expect(client.state).toBe('idle');
  await failure(() => client.connect());
  expect(client.state).toBe('idle');
  await serve({}, `tcp://127.0.0.1:${port}`);
  await client.connect();
  expect(client.state).toBe('open');
});

it('insists on the first attempt too when told so', async () => {
  const port = await freePort();
  const { client } = createQWormholeClient({
    ...SPEAKING,
    endpoints: `tcp://127.0.0.1:${port}`,
    reconnect: { initial: true, baseMs: 5, capMs: 20 },
  });
  cleanUp(() => client.close());
  const connecting = client.connect();
  await next(client, 'reconnecting');
  await serve({}, `tcp://127.0.0.1:${port}`);
  await connecting;
});

it('gives the same promise to all who connect', async () => {
  const server = await serve();
  const { client } = createQWormholeClient({ ...SPEAKING, endpoints: server.addresses[0] });
  cleanUp(() => client.close());
  const first = client.connect();
  expect(client.connect()).toBe(first);
  await first;
  expect(client.connect()).toBe(first);
  expect(server.stats().connectionsAccepted).toBeLessThanOrEqual(1);
});

it('finds the last endpoint when the others are gone', async () => {
  const gone = await freePort();
  const first = await RawServer.listen();
  cleanUp(() => first.close());
  const second = await serve({ protocol: 'length-prefixed' });
  const { client } = createQWormholeClient({
    protocol: 'length-prefixed',
    endpoints: [first.url, `tcp://127.0.0.1:${gone}`, second.addresses[0]],
    ...fast,
  });
  cleanUp(() => client.close());
  await client.connect();
  (await first.peer()).reset();
  await first.close();
  await until(() => second.getConnectionCount() === 1, 'the last endpoint');
});

it('can be ended while it waits for the next attempt', async () => {
  const server = await listen(await somewhere());
  const client = await call(server, { reconnect: { baseMs: 60_000, capMs: 60_000 } });
  const waiting = next(client, 'reconnecting');
  await server.close();
  await waiting;
  const closed = next(client, 'close');
  await client.disconnect();
  expect(await closed).toEqual([0, '', true]);
});

it('can be ended while it connects', async () => {
  const server = await serve();
  const { client } = createQWormholeClient({ ...SPEAKING, endpoints: server.addresses[0] });
  let closes = 0;
  client.on('close', () => (closes += 1));
  const connecting = failure(() => client.connect());
  await client.disconnect();
  expect(await connecting).toMatchObject({ code: 'ERR_QW_CLOSED' });
  await sleep(20);
  expect(closes).toBe(1);
  await until(() => server.getConnectionCount() === 0, 'no connection');
});

it('does not call a server that hangs up at once in a tight loop', async () => {
  let calls = 0;
  const raw = await RawServer.listen((socket) => {
    calls += 1;
    socketBelow(socket).resetAndDestroy();
  });
  cleanUp(() => raw.close());
  const { client } = createQWormholeClient({
    endpoints: raw.url,
    reconnect: { initial: true, baseMs: 20, capMs: 10_000 },
  });
  client.on('error', () => {});
  cleanUp(() => client.close());
  void client.connect().catch(() => {});
  await until(() => calls > 1, 'a second call');
  await sleep(1000);
  expect(calls).toBeLessThan(60);
});

it('echoes again after many losses, and leaks no listeners', async () => {
  const server = await serve({ codec: 'json' });
  echo(server);
  const client = await call(server, { codec: 'json', reconnect: { baseMs: 1, capMs: 5 } });
  for (let round = 0; round < 20; round += 1) {
    const back = next(client, 'message');
    client.send(round);
    expect(await back).toEqual([round]);
    const up = next(client, 'ready');
    for (const connection of server) connection.terminate();
    await up;
  }
  expect(client.eventNames().sort()).toEqual(['error']);
});
