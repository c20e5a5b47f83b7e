/** What becomes of the connections that an HTTP server hands over: on native they leave Node's hands. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { CloseCode } from 'qwormhole';
import { expect, it } from 'vitest';
import { httpServer, rawCall, textOf } from '../support/http.js';
import { call, cleanUp, echo, serve } from '../support/scene.js';
import { RawPeer } from '../support/raw-peer.js';
import { collect, next, sleep, times, until } from '../support/wait.js';
import { OPCODE, openingRequest, wsFrame } from '../support/ws-frames.js';

const MASKED = { mask: true } as const;
/** A verdict that comes when it is told to. */
function deferred() {
  let resolve = (_verdict: undefined): void => {};
  const promise = new Promise<undefined>((settle) => (resolve = settle));
  return { promise, resolve };
}

const CAN_ADOPT = ['linux', 'darwin'].includes(process.platform);

/** A server that shares the port of an HTTP server. */
async function attached(options: object = {}) {
  const { http, url } = await httpServer();
  const server = await serve(options);
  server.attach(http);
  return { http, url, server, expectedMode: CAN_ADOPT ? server.mode : 'ts' };
}

/** The same with one raw peer. */
async function attachedPair(options: object = {}) {
  const scene = await attached(options);
  const arrived = next(scene.server, 'connection');
  const peer = await RawPeer.connect(`${scene.url}/`);
  cleanUp(() => peer.destroy());
  const [connection] = await arrived;
  return { ...scene, peer, connection };
}

/** The connections that an HTTP server counts as its own, once those that are idle are closed. */
async function webSocketsOf(http: Server): Promise<number> {
  http.closeIdleConnections();
  await sleep(20);
  return new Promise((resolve) => http.getConnections((_error, count) => resolve(count)));
}

it('says which backend a connection is on, and who is at the other end', async () => {
  const { connection, peer, expectedMode } = await attachedPair();
  expect(connection.mode).toBe(expectedMode);
  const { localPort, remotePort } = peer.socket;
  expect([connection.remoteAddress, connection.remotePort]).toEqual(['127.0.0.1', localPort]);
  expect([connection.localAddress, connection.localPort]).toEqual(['127.0.0.1', remotePort]);
});

it('delivers what came in one packet with the request, and right behind it', async () => {
  const { server, url } = await attached();
  const messages = collect(server, 'message', 4);
  const frames = ['with', 'the', 'request'].map((text) => wsFrame(text, MASKED));
  const peer = rawCall(url, Buffer.concat([Buffer.from(openingRequest()), ...frames]));
  peer.write(wsFrame('behind', MASKED));
  expect(await messages).toEqual(['with', 'the', 'request', 'behind']);
});

it('delivers what came while the verdict was waited for, also half of a frame', async () => {
  const gate = deferred();
  const { server, url } = await attached({ authorize: () => gate.promise });
  const messages = collect(server, 'message', 3);
  const late = wsFrame('late', MASKED);
  const peer = rawCall(url, Buffer.concat([Buffer.from(openingRequest()), wsFrame('first', MASKED)]));
  await sleep(20);
  peer.write(wsFrame('early', MASKED));
  await sleep(20);
  peer.write(late.subarray(0, 5));
  await sleep(20);
  gate.resolve(undefined);
  await until(() => peer.head !== '', 'the answer');
  peer.write(late.subarray(5));
  expect(await messages).toEqual(['first', 'early', 'late']);
});

it('loses nothing of a client that sends a lot before it may', async () => {
  const gate = deferred();
  const { server, url } = await attached({ authorize: () => gate.promise });
  const payload = randomBytes(700_000);
  const message = next(server, 'message');
  const peer = rawCall(url, Buffer.concat([Buffer.from(openingRequest()), wsFrame(payload, MASKED)]));
  await sleep(50);
  gate.resolve(undefined);
  expect((await message)[0].equals(payload)).toBe(true);
  expect(peer.isClosed).toBe(false);
});

it('echoes large messages and many at once, in order', async () => {
  const { server, url, expectedMode } = await attached();
  echo(server);
  const client = await call(url);
  const sent = [randomBytes(1_000_000), ...times(500, 0).map((_, index) => Buffer.from(`n ${index}`))];
  const back = collect<Buffer>(client, 'message', sent.length);
  for (const message of sent) expect(client.send(message)).not.toBe('dropped');
  const received = await back;
  expect(received.every((message, index) => message.equals(sent[index]))).toBe(true);
  expect([...server.connections][0].mode).toBe(expectedMode);
});

it('agrees on compression and on a subprotocol', async () => {
  const { server, url } = await attached({ deflate: { threshold: 0 }, subprotocols: ['b', 'a'] });
  echo(server);
  const client = new WebSocket(url, ['a', 'b'], { perMessageDeflate: { threshold: 0 } });
  cleanUp(() => client.terminate());
  await next(client, 'open');
  expect(client.protocol).toBe('b');
  expect(client.extensions).toContain('permessage-deflate');
  await until(() => server.getConnectionCount() === 1, 'the connection');
  expect([...server.connections][0].subprotocol).toBe('b');
  const text = 'again and again '.repeat(5000);
  const back = next(client, 'message');
  client.send(text);
  expect(String((await back)[0])).toBe(text);
});

it('refuses extensions that follow no grammar', async () => {
  const { url } = await attached({ deflate: true });
  const peer = rawCall(url, openingRequest('/', 'h', ['Sec-WebSocket-Extensions: ;;']));
  await until(() => peer.head !== '', 'the answer');
  expect(peer.head).toMatch(/^HTTP\/1\.1 400/);
});

it('refuses by a status, as elsewhere', async () => {
  const { url, server } = await attached({ authorize: () => ({ status: 401, body: 'who are you?' }) });
  const peer = rawCall(url, openingRequest());
  await peer.closed();
  expect(peer.head).toMatch(/^HTTP\/1\.1 401/);
  expect(peer.received.toString()).toBe('who are you?');
  expect(server.getConnectionCount()).toBe(0);
});

it('takes a connection that was used for a page before', async () => {
  const { server, url, expectedMode } = await attached();
  echo(server);
  const arrived = next(server, 'connection');
  const peer = rawCall(url, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await until(() => peer.received.includes('hello'), 'the page');
  expect(peer.head).toMatch(/^HTTP\/1\.1 200/);
  const page = peer.received.length;
  peer.write(Buffer.concat([Buffer.from(openingRequest()), wsFrame('again', MASKED)]));
  expect((await arrived)[0].mode).toBe(expectedMode);
  await until(() => peer.received.includes('again'), 'the echo');
  expect(peer.received.subarray(page).toString()).toMatch(/^HTTP\/1\.1 101/);
});

it('tells of the close of either side', async () => {
  const ours = await attachedPair();
  const closed = next(ours.connection, 'close');
  void ours.connection.close(4001, 'enough');
  await ours.peer.ended();
  expect(ours.peer.closing).toEqual([4001, 'enough']);
  ours.peer.end(4001);
  expect(await closed).toEqual([4001, 'enough', true]);
  await ours.peer.closed();

  const theirs = await attachedPair();
  theirs.connection.on('message', () => {});
  const left = next(theirs.connection, 'close');
  theirs.peer.end(4002, 'bye');
  expect(await left).toEqual([4002, 'bye', true]);
  await theirs.peer.closed();
});

it('resets what is terminated, at once too', async () => {
  const { peer, connection } = await attachedPair();
  void connection.terminate();
  await peer.closed();
  expect(peer.error?.code).toBe('ECONNRESET');

  const { server, url } = await attached();
  server.on('connection', (each) => void each.terminate());
  const other = rawCall(url, openingRequest());
  // Reset in one go with the answer: libuv makes that an ordinary end.
  await other.closed();
  await until(() => server.getConnectionCount() === 0, 'its end');
});

it('holds the limits of the server', async () => {
  const big = await attachedPair({ maxMessage: 100 });
  big.connection.on('message', () => {});
  big.peer.write(wsFrame('x'.repeat(101), MASKED));
  await big.peer.ended();
  expect(big.peer.closing?.[0]).toBe(1009);

  const { peer, connection } = await attachedPair({ controlBurst: 4, controlPerSecond: 1 });
  connection.on('message', () => {});
  const closed = next(connection, 'close');
  peer.write(Buffer.concat(times(10, wsFrame('', { ...MASKED, opcode: OPCODE.ping }))));
  await peer.ended();
  expect(peer.closing?.[0]).toBe(1008);
  peer.socket.end();
  expect((await closed)[0]).toBe(CloseCode.rate_limited);
});

it('leaves the HTTP server free to close, and lives on', async () => {
  const { http, server, url, expectedMode } = await attached();
  echo(server);
  const client = await call(url, { reconnect: false });
  expect(await textOf(url)).toBe('hello');
  if (expectedMode === 'native') expect(await webSocketsOf(http)).toBe(0);
  const closed = new Promise((resolve) => http.close(resolve));
  if (expectedMode === 'native') await closed;
  const back = next(client, 'message');
  client.send('still here');
  expect(await back).toEqual(['still here']);
  await client.close();
  await closed;
});

it('closes its connections and not the HTTP server', async () => {
  const { http, server, url } = await attached();
  const client = await call(url, { reconnect: false });
  const closed = next(client, 'close');
  await server.close({ gracefulMs: 1000 });
  expect((await closed)[0]).toBe(CloseCode.shutdown);
  expect(http.listening).toBe(true);
  expect(await textOf(url)).toBe('hello');
});

it('stays with Node where somebody else listens to the socket', async () => {
  const { http, server, url } = await attached();
  let seen = 0;
  http.prependListener('upgrade', (_request, socket: Socket) => {
    socket.on('data', (chunk: Buffer) => (seen += chunk.length));
  });
  const arrived = next(server, 'connection');
  const client = await call(url);
  const [connection] = await arrived;
  expect(connection.mode).toBe('ts');
  const message = next(connection, 'message');
  client.send('hello');
  expect(await message).toEqual(['hello']);
  expect(seen).toBeGreaterThan(0);
});

it('adds up what goes to connections of both backends', async () => {
  const { server, url, expectedMode } = await attached({ codec: 'text' });
  const secure = await secureServer();
  if (secure !== undefined) server.attach(secure as never, { path: '/secure' });
  server.on('connection', (connection) => connection.subscribe('all'));
  const sockets = [
    new WebSocket(url),
    new WebSocket(server.addresses[0]),
    ...(secure === undefined ? [] : [new WebSocket(secureUrl(secure), { rejectUnauthorized: false })]),
  ];
  cleanUp(() => sockets.forEach((socket) => socket.terminate()));
  await until(() => server.getConnectionCount() === sockets.length, 'all of them');
  const modes = [...server.connections].map(({ mode }) => mode).toSorted();
  const expected = [expectedMode, server.mode, ...(secure === undefined ? [] : ['ts'])].toSorted();
  expect(modes).toEqual(expected);
  const count = sockets.length;
  expect(server.getSubscriberCount('all')).toBe(count);
  const seen = sockets.map((socket) => collect(socket, 'message', 5));
  const [first] = [...server.connections];
  for (const connection of server.connections) connection.send('0');
  expect(server.publish('all', '1')).toEqual({ accepted: count, dropped: 0 });
  for (const connection of server.connections) connection.send('2');
  expect(server.broadcast('3'.repeat(20_000))).toEqual({ accepted: count, dropped: 0 });
  expect(server.publish('all', 'x', { except: first })).toEqual({ accepted: count - 1, dropped: 0 });
  first.send('x');
  for (const each of await Promise.all(seen))
    expect(each.map(String)).toEqual(['0', '1', '2', '3'.repeat(20_000), 'x']);
  expect(server.stats().accepted.messages).toBe(5 * count);
});

it('keeps TLS with Node', async (context) => {
  const secure = await secureServer();
  if (secure === undefined) return context.skip('there is no openssl here');
  const server = await serve();
  echo(server);
  server.attach(secure as never, { path: '/secure' });
  const client = new WebSocket(secureUrl(secure), { rejectUnauthorized: false });
  cleanUp(() => client.terminate());
  await next(client, 'open');
  await until(() => server.getConnectionCount() === 1, 'the connection');
  expect([...server.connections][0].mode).toBe('ts');
  const back = next(client, 'message');
  client.send('over TLS');
  expect(String((await back)[0])).toBe('over TLS');
});

it.skipIf(process.platform !== 'linux')('leaves no descriptor behind', async () => {
  const { server, url } = await attached();
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const round = async (count: number) => {
    const peers = await Promise.all(times(count, url).map((each) => RawPeer.connect(`${each}/`)));
    await until(() => server.getConnectionCount() === count, 'all connections');
    for (const [index, peer] of peers.entries()) {
      if (index % 2 === 0) peer.reset();
      else peer.end();
    }
    for (const peer of peers) await peer.closed();
    await until(() => server.getConnectionCount() === 0, 'their ends');
  };
  server.on('message', () => {});
  await round(50);
  await sleep(50);
  const before = descriptors();
  for (let rounds = 0; rounds < 10; rounds += 1) await round(50);
  await until(() => descriptors() <= before, `${before} descriptors`);
});

/** An HTTPS server with a certificate of its own making; `undefined` where none can be made. */
async function secureServer() {
  const folder = mkdtempSync(join(tmpdir(), 'qwormhole-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    const subject = ['-keyout', key, '-out', cert, '-days', '1', '-subj', '/CN=localhost'];
    execFileSync('openssl', [...request, ...subject], { stdio: 'ignore' });
    const https = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) });
    https.listen(0, '127.0.0.1');
    await next(https, 'listening');
    cleanUp(() => (https.closeAllConnections(), https.close()));
    return https;
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function secureUrl(https: { address(): unknown }): string {
  return `wss://127.0.0.1:${(https.address() as AddressInfo).port}/secure`;
}
