/** Opening handshakes, sound and broken. */
import { connect as connectSocket } from 'node:net';
import { expect, it } from 'vitest';
import { exchange, statusOf } from '../support/http.js';
import { call, cleanUp, echo, serve } from '../support/scene.js';
import { RawPeer } from '../support/raw-peer.js';
import { next, sleep, until } from '../support/wait.js';
import { openingRequest, wsFrame } from '../support/ws-frames.js';

const WS = 'ws://127.0.0.1:0/';
const without = (name: string) => openingRequest().replace(new RegExp(`${name}: [^\r]*\r\n`), '');
const replaced = (name: string, value: string) =>
  openingRequest().replace(new RegExp(`${name}: [^\r]*`), `${name}: ${value}`);

it.each([
  ['no key', without('Sec-WebSocket-Key'), 400],
  ['a short key', replaced('Sec-WebSocket-Key', 'c2hvcnQ='), 400],
  ['a key that is no base64', replaced('Sec-WebSocket-Key', '????????????????????????'), 400],
  ['two keys', openingRequest('/', 'h', ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']), 400],
  ['another version', replaced('Sec-WebSocket-Version', '12'), 426],
  ['no version', without('Sec-WebSocket-Version'), 426],
  ['no host', without('Host'), 400],
  ['two hosts', openingRequest('/', 'h', ['Host: other']), 400],
  ['POST', openingRequest().replace('GET', 'POST'), 405],
  ['HTTP/1.0', openingRequest().replace('HTTP/1.1', 'HTTP/1.0'), 400],
  ['another upgrade', replaced('Upgrade', 'h2c'), 426],
  ['no upgrade', without('Upgrade'), 426],
  ['a body', openingRequest('/', 'h', ['Content-Length: 5']), 400],
  ['a body in chunks', openingRequest('/', 'h', ['Transfer-Encoding: chunked']), 400],
  ['a broken list of subprotocols', openingRequest('/', 'h', ['Sec-WebSocket-Protocol: a,,b']), 400],
  ['a subprotocol twice', openingRequest('/', 'h', ['Sec-WebSocket-Protocol: a, a']), 400],
  ['another path', openingRequest('/other'), 404],
  ['a head that is too long', openingRequest('/', 'h', [`X: ${'a'.repeat(20_000)}`]), 431],
  [
    'too many headers',
    openingRequest(
      '/',
      'h',
      Array.from({ length: 200 }, (_, i) => `X-${i}: 1`),
    ),
    431,
  ],
  ['an empty host', openingRequest('/', ''), 400],
  ['the version twice', openingRequest('/', 'h', ['Sec-WebSocket-Version: 13']), 400],
  ['stray bits in the key', replaced('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZR=='), 400],
  ['a line that ends without CR', openingRequest('/', 'h', ['X: y\nZ: 1']), 400],
  ['no path', openingRequest('*'), 400],
  ['a target that is too long', openingRequest(`/${'a'.repeat(8192)}`), 414],
  ['a broken list of extensions', openingRequest('/', 'h', ['Sec-WebSocket-Extensions: a; =b']), 400],
  ['no HTTP at all', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), 400],
  ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n', 400],
  ['a plain request', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', 426],
])('is refused with %s', async (_what, request, status) => {
  const server = await serve({}, WS);
  const answer = await exchange(server.addresses[0], request);
  expect(statusOf(answer)).toBe(status);
  expect(server.getConnectionCount()).toBe(0);
  if (status === 426) expect(answer).toMatch(/\r\nUpgrade: websocket\r\n/i);
  if (status === 426) expect(answer).toContain('Sec-WebSocket-Version: 13');
  const client = await call(server);
  await client.close();
});

it.each([
  ['another upgrade besides', replaced('Upgrade', 'h2c, WebSocket')],
  ['a list of connections', replaced('Connection', 'keep-alive, Upgrade')],
  ['the origin in front of the path', openingRequest('http://h/')],
  ['a target of the most bytes', openingRequest(`/?${'a'.repeat(8190)}`)],
  ['unknown extensions', openingRequest('/', 'h', ['Sec-WebSocket-Extensions: x; y="z" , w;a'])],
])('is opened with %s', async (_what, request) => {
  const server = await serve({}, WS);
  const answer = await exchange(server.addresses[0], `${request}\x88\x80\0\0\0\0`);
  expect(statusOf(answer)).toBe(101);
});

it('takes linear time for hostile lists', async () => {
  const server = await serve({ maxHeaderBytes: 65_536, deflate: true }, WS);
  for (const filler of [
    ' '.repeat(30_000),
    ','.repeat(30_000),
    '";'.repeat(15_000),
    '\\'.repeat(30_000),
    ';a'.repeat(15_000),
  ]) {
    const before = process.cpuUsage();
    await exchange(
      server.addresses[0],
      openingRequest('/', 'h', [
        `Sec-WebSocket-Protocol: a${filler}b, a${filler}b`,
        `Sec-WebSocket-Extensions: permessage-deflate${filler}x, "${filler}`,
      ]),
    );
    // Of this process, which is both ends: what others do meanwhile does not count.
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1000);
  }
});

it('tells of requests that are none, and counts them', async () => {
  const server = await serve({}, WS);
  const told = next(server, 'handshakeError');
  const { port } = new URL(server.addresses[0]);
  expect(statusOf(await exchange(server.addresses[0], 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'))).toBe(426);
  const [error, address] = await told;
  expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE', details: { status: 426 } });
  expect([address, Number(port) > 0]).toEqual(['127.0.0.1', true]);
  expect(statusOf(await exchange(server.addresses[0], 'nonsense\r\n\r\n'))).toBe(400);
  await until(() => server.stats().handshakes.failed === 2, 'both');
  expect(server.stats()).toMatchObject({ qwhHandshakes: { failed: 0 }, connectionsAccepted: 0 });
});

it('has a time for all of it, however slowly it comes', async () => {
  const server = await serve({ handshakeTimeoutMs: 300 }, WS);
  const { port } = new URL(server.addresses[0]);
  const socket = connectSocket(Number(port), '127.0.0.1');
  cleanUp(() => socket.destroy());
  let answer = '';
  let isOver = false;
  socket.on('data', (chunk) => (answer += chunk.toString()));
  socket.on('error', () => {}).on('close', () => (isOver = true));
  const startedAt = performance.now();
  const timer = setInterval(() => socket.writable && socket.write('G'), 20);
  cleanUp(() => clearInterval(timer));
  await until(() => isOver, 'the end');
  expect(performance.now() - startedAt).toBeLessThan(2500);
  expect([0, 400, 408]).toContain(statusOf(answer));
});

it('resets the one that has been silent the longest when too many are under way', async () => {
  const server = await serve({ maxPendingHandshakes: 2, handshakeTimeoutMs: 60_000 }, WS);
  const { port } = new URL(server.addresses[0]);
  const crowded = next(server, 'handshakeError');
  const silent = [];
  for (let count = 0; count < 3; count += 1) {
    const peer = new RawPeer(connectSocket(Number(port), '127.0.0.1'), 'ws-client');
    cleanUp(() => peer.destroy());
    await next(peer.socket, 'connect');
    silent.push(peer);
  }
  await silent[0].closed();
  expect(silent.map(({ isClosed }) => isClosed)).toEqual([true, false, false]);
  const client = await call(server);
  await silent[1].closed();
  expect(silent[2].isClosed).toBe(false);
  expect(client.state).toBe('open');
  const [error] = await crowded;
  expect(error).toMatchObject({ code: 'ERR_QW_RESOURCES', details: { maxPendingHandshakes: 2 } });
  await until(() => server.stats().handshakes.failed === 2, 'the counts');
});

it('resets those who come while too many wait for their verdict', async () => {
  let asked = 0;
  const authorize = () => ((asked += 1), new Promise<never>(() => {}));
  const options = { maxPendingHandshakes: 2, authorize };
  const server = await serve(options, WS);
  const { port } = new URL(server.addresses[0]);
  for (let count = 0; count < 2; count += 1) {
    const peer = new RawPeer(connectSocket(Number(port), '127.0.0.1'), 'ws-client');
    cleanUp(() => peer.destroy());
    peer.write(openingRequest());
  }
  await until(() => asked === 2, 'both questions');
  expect(statusOf(await exchange(server.addresses[0], openingRequest()))).toBe(0);
});

it('delivers what was sent behind the request, in order', async () => {
  const server = await serve({}, WS);
  echo(server);
  const { port } = new URL(server.addresses[0]);
  const socket = connectSocket(Number(port), '127.0.0.1');
  const peer = new RawPeer(socket, 'ws-client');
  cleanUp(() => peer.destroy());
  const frames = ['one', 'two', 'three'].map((text) => wsFrame(text, { mask: true }));
  peer.write(Buffer.concat([Buffer.from(openingRequest()), ...frames]));
  await until(() => peer.messages.length === 3, 'the echoes');
  expect(peer.messages.map(String)).toEqual(['one', 'two', 'three']);
});

it('does not read what a client sends before it is answered', async () => {
  let isAsked = false;
  const server = await serve({ authorize: () => ((isAsked = true), new Promise<undefined>(() => {})) }, WS);
  const { port } = new URL(server.addresses[0]);
  const socket = connectSocket(Number(port), '127.0.0.1').on('error', () => {});
  cleanUp(() => socket.destroy());
  socket.write(openingRequest());
  await until(() => isAsked, 'the question');
  // More than the kernel keeps for both ends.
  const sent = Buffer.alloc(64 * 1024 * 1024, wsFrame('x'.repeat(1000), { mask: true }));
  socket.write(sent);
  await sleep(300);
  expect(socket.destroyed).toBe(false);
  expect(socket.writableLength).toBeGreaterThan(sent.length / 4);
});

it('delivers what the server sent behind its answer', async () => {
  const { createServer } = await import('node:net');
  const { openingResponse } = await import('../support/ws-frames.js');
  const raw = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (chunk) =>
      socket.write(
        Buffer.concat([Buffer.from(openingResponse(chunk.toString())), wsFrame('early'), wsFrame('bird')]),
      ),
    );
  }).listen(0, '127.0.0.1');
  cleanUp(() => raw.close());
  await next(raw, 'listening');
  const client = await call(`ws://127.0.0.1:${(raw.address() as { port: number }).port}`, {
    reconnect: false,
  });
  const seen: unknown[] = [];
  client.on('message', (message) => seen.push(message));
  await until(() => seen.length === 2, 'both');
  expect(seen).toEqual(['early', 'bird']);
  client.terminate();
});

it('counts connections before they are answered', async () => {
  const server = await serve({ maxConnections: 1 }, WS);
  const client = await call(server);
  expect(statusOf(await exchange(server.addresses[0], openingRequest()))).toBe(503);
  expect(server.stats().connectionsRefused).toBe(1);
  await client.close();
  await until(() => server.getConnectionCount() === 0, 'the end of the first');
  await call(server);
});

it('is for several paths of one port', async () => {
  const server = await serve({ codec: 'text' }, ['ws://127.0.0.1:0/a', 'ws://127.0.0.1:0/b']);
  const [a, b] = server.addresses;
  expect(new URL(a).port).toBe(new URL(b).port);
  server.on('message', (message, connection) => connection.send(`${connection.path}: ${message}`));
  for (const address of [a, b]) {
    const client = await call(address, { codec: 'text' });
    const back = next(client, 'message');
    client.send('hi');
    expect(await back).toEqual([`${new URL(address).pathname}: hi`]);
  }
  expect(statusOf(await exchange(a, openingRequest('/c')))).toBe(404);
});

it('shows path, query and headers of the request', async () => {
  const server = await serve({}, 'ws://127.0.0.1:0/room');
  const arrived = next(server, 'connection');
  await call(`${server.addresses[0]}?name=Ann&name=Bob`, {
    headers: { 'X-Test': ['1', '2'], Cookie: 'a=b' },
  });
  const [connection] = await arrived;
  expect(connection.path).toBe('/room');
  expect(connection.query.getAll('name')).toEqual(['Ann', 'Bob']);
  expect(connection.headers['x-test']).toBe('1, 2');
  expect(connection.headers.cookie).toBe('a=b');
  expect(connection.headers.host).toBe(new URL(server.addresses[0]).host);
  expect(Object.getPrototypeOf(connection.headers)).toBeNull();
  expect(connection.headers.constructor).toBeUndefined();
});

it('survives a client that is gone before its answer', async () => {
  let settle = (): void => {};
  const server = await serve(
    { authorize: () => new Promise<undefined>((resolve) => (settle = () => resolve(undefined))) },
    WS,
  );
  const { port } = new URL(server.addresses[0]);
  const socket = connectSocket(Number(port), '127.0.0.1').on('error', () => {});
  socket.write(openingRequest());
  await sleep(50);
  socket.resetAndDestroy();
  await sleep(50);
  settle();
  await sleep(50);
  expect(server.getConnectionCount()).toBe(0);
});
