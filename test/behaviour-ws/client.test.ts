/** Clients of foreign servers: what these may answer, redirects, headers, agents. */
import { Agent, createServer, type IncomingMessage } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { blackHole } from '../support/black-hole.js';
import { call, cleanUp, serve } from '../support/scene.js';
import { failure, next } from '../support/wait.js';
import { openingResponse } from '../support/ws-frames.js';

const ONCE = { reconnect: false } as const;

/** A server that answers every request with the same bytes. */
async function answering(answer: (request: string) => string | Buffer): Promise<string> {
  const server = createNetServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (chunk) => socket.write(answer(chunk.toString())));
    cleanUp(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  cleanUp(() => server.close());
  await next(server, 'listening');
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

it.each([
  ['200', () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', 200, 'hi'],
  ['403', () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', 403, ''],
  [
    'a body without end',
    () => `HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(5000)}`,
    500,
    'x'.repeat(1024),
  ],
  ['a redirect', () => 'HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n', 302, ''],
])('is refused with %s', async (_what, answer, status, body) => {
  const url = await answering(answer);
  const error = await failure(() => call(url, ONCE));
  expect(error).toMatchObject({ code: 'ERR_QW_UPGRADE_REFUSED', details: { status, body } });
});

it.each([
  ['a wrong accept', (request: string) => openingResponse(request).replace(/Accept: ./, 'Accept: ')],
  ['no accept', (request: string) => openingResponse(request).replace(/Sec-WebSocket-Accept[^\r]*\r\n/, '')],
  [
    'an extension that was not asked for',
    (request: string) => openingResponse(request, ['Sec-WebSocket-Extensions: permessage-deflate']),
  ],
  [
    'a subprotocol that was not asked for',
    (request: string) => openingResponse(request, ['Sec-WebSocket-Protocol: x']),
  ],
  ['another upgrade', (request: string) => openingResponse(request).replace('websocket', 'h2c')],
  ['too many headers', (request: string) => openingResponse(request, Array(200).fill('X: 1'))],
  ['headers without end', () => `HTTP/1.1 101 x\r\n${'X: yyyyyyyyyyyyyyyy\r\n'.repeat(5000)}`],
  ['something else than HTTP', () => 'SSH-2.0-OpenSSH_9.6\r\n'],
])('fails with %s', async (_what, answer) => {
  const url = await answering(answer);
  const error = await failure(() => call(url, ONCE));
  expect(error.code).toBe('ERR_QW_HANDSHAKE');
});

it.each([
  'server_max_window_bits=7',
  'server_max_window_bits=99',
  'server_max_window_bits=abc',
  'client_max_window_bits; client_max_window_bits',
])('fails with the parameter %s', async (parameter) => {
  const url = await answering((request) =>
    openingResponse(request, [`Sec-WebSocket-Extensions: permessage-deflate; ${parameter}`]),
  );
  expect((await failure(() => call(url, { ...ONCE, deflate: true }))).code).toBe('ERR_QW_HANDSHAKE');
});

it('has one time for connecting and handshake', async () => {
  const silent = await answering(() => '');
  for (const url of [silent, (await blackHole()).replace('tcp:', 'ws:')]) {
    const startedAt = performance.now();
    const error = await failure(() => call(url, { ...ONCE, connectTimeoutMs: 200 }));
    expect(error.code).toBe('ERR_QW_CONNECT_TIMEOUT');
    expect(performance.now() - startedAt).toBeLessThan(2000);
  }
});

it('says what the system says', async () => {
  expect((await failure(() => call('ws://127.0.0.1:1/', ONCE))).code).toBe('ERR_QW_CONNECT_REFUSED');
  expect((await failure(() => call('ws://does-not-exist.invalid/', ONCE))).code).toBe('ERR_QW_DNS');
});

it('can be called off', async () => {
  const silent = await answering(() => '');
  const signal = AbortSignal.timeout(50);
  expect((await failure(() => call(silent, { ...ONCE, signal }))).code).toBe('ERR_QW_ABORTED');
});

/** A server that redirects, and keeps the requests. */
async function redirecting(location: (host: string) => string, status = 302) {
  const requests: IncomingMessage[] = [];
  const http = createServer((request, response) => {
    requests.push(request);
    response.writeHead(status, { Location: location(request.headers.host ?? '') }).end();
  });
  // A server without a listener for upgrades treats them as requests.
  http.listen(0, '127.0.0.1');
  cleanUp(() => (http.closeAllConnections(), http.close()));
  await next(http, 'listening');
  return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/start`, requests };
}

const SECRETS = {
  Authorization: 'Bearer x',
  Cookie: 'a=b',
  'Proxy-Authorization': 'Basic x',
  'X-Api-Key': 'x',
  'X-Auth-Token': 'x',
  Cookie2: 'x',
  'User-Agent': 'kept/1',
};

it('follows redirects when told to, and leaves credentials behind', async () => {
  const server = await serve({}, 'ws://127.0.0.1:0/end');
  const arrived = next(server, 'connection');
  const { url, requests } = await redirecting(
    () => `${server.addresses[0].replace('ws:', 'http:')}?q=1`,
    307,
  );
  expect((await failure(() => call(url, { ...ONCE, headers: SECRETS }))).code).toBe('ERR_QW_UPGRADE_REFUSED');
  await call(url, { ...ONCE, headers: SECRETS, maxRedirects: 1 });
  const [connection] = await arrived;
  expect(requests.at(-1)?.headers.authorization).toBe('Bearer x');
  expect([connection.path, connection.query.get('q')]).toEqual(['/end', '1']);
  for (const name of Object.keys(SECRETS))
    expect(connection.headers[name.toLowerCase()]).toBe(name === 'User-Agent' ? 'kept/1' : undefined);
  expect(connection.headers.host).toBe(new URL(server.addresses[0]).host);
});

it('follows no redirect to another origin with subprotocols, which may be tokens', async () => {
  const server = await serve({ subprotocols: ['a'] }, 'ws://127.0.0.1:0/');
  const { url, requests } = await redirecting(() => server.addresses[0]);
  const options = { ...ONCE, subprotocols: ['a', 'bearer.x'], maxRedirects: 3 };
  const error = await failure(() => call(url, options));
  expect(error).toMatchObject({ code: 'ERR_QW_UPGRADE_REFUSED', details: { status: 302 } });
  expect(requests).toHaveLength(1);
  expect(server.stats().connectionsAccepted).toBe(0);
});

it('keeps credentials within an origin, and ends a circle', async () => {
  const { url, requests } = await redirecting(() => '/again');
  const error = await failure(() => call(url, { ...ONCE, headers: SECRETS, maxRedirects: 3 }));
  expect(error.code).toBe('ERR_QW_UPGRADE_REFUSED');
  expect(requests.map(({ url: path }) => path)).toEqual(['/start', '/again', '/again', '/again']);
  for (const { headers } of requests) expect(headers.authorization).toBe('Bearer x');
});

it('goes nowhere that is no WebSocket', async () => {
  for (const location of [
    'wss://127.0.0.1:1/',
    'https://127.0.0.1:1/',
    'ftp://127.0.0.1/',
    '::::',
    'file:///',
  ]) {
    const { url } = await redirecting(() => location);
    const error = await failure(() => call(url, { ...ONCE, maxRedirects: 3 }));
    expect(error.code).toBe('ERR_QW_UPGRADE_REFUSED');
  }
});

it('lets an agent make the socket', async () => {
  const server = await serve({ forceTs: true }, 'ws://127.0.0.1:0/');
  let made = 0;
  class Counting extends Agent {
    override createConnection(...values: [any, any]): Socket {
      made += 1;
      return (Agent.prototype as any).createConnection.apply(this, values) as Socket;
    }
  }
  const agent = new Counting();
  const client = await call(server, { agent, forceTs: true });
  expect(made).toBe(1);
  expect(client.mode).toBe('ts');
});

it.each([
  [{ headers: { 'Sec-WebSocket-Key': 'x' } }],
  [{ headers: { Upgrade: 'x' } }],
  [{ headers: { 'X-Y': 'a\r\nEvil: 1' } }],
  [{ headers: { 'X Y': 'a' } }],
  [{ subprotocols: ['a', 'a'] }],
  [{ subprotocols: ['a b'] }],
  [{ agent: {} }],
  [{ deflate: { serverMaxWindowBits: 8 } }],
  [{ maxRedirects: -1 }],
])('refuses %j', async (options) => {
  expect((await failure(() => call('ws://127.0.0.1:1/', { ...ONCE, ...(options as object) }))).code).toBe(
    'ERR_QW_OPTION_INVALID',
  );
});

it.each([
  ['throws', () => new Error('no proxy')],
  ['throws something else', () => 'no proxy'],
  ['throws an error of the system', () => Object.assign(new Error('x'), { code: 'ENOTFOUND' })],
])('fails with an error of ours where an agent %s', async (_what, reason) => {
  class Broken extends Agent {
    override createConnection(): Socket {
      throw reason();
    }
  }
  const server = await serve({ forceTs: true }, 'ws://127.0.0.1:0/');
  const error = await failure(() => call(server, { ...ONCE, agent: new Broken(), forceTs: true }));
  expect(error.code).toMatch(/^ERR_QW_(CONNECT_FAILED|DNS)$/);
  expect(error.cause).toEqual(reason());
});
