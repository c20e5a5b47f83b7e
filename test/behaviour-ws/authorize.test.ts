/** The application's verdict on who comes in: before the handshake, after it, late, and never. */
import { expect, it } from 'vitest';
import { exchange, statusOf } from '../support/http.js';
import { call, serve } from '../support/scene.js';
import { failure, next, sleep, until } from '../support/wait.js';
import { openingRequest } from '../support/ws-frames.js';

const WS = 'ws://127.0.0.1:0/';
const ONCE = { reconnect: false } as const;

it('gives the connection its user', async () => {
  for (const wrap of [(verdict: object) => verdict, async (verdict: object) => verdict]) {
    const server = await serve(
      { authorize: (request: any) => wrap({ user: { name: request.query.get('name') } }) },
      WS,
    );
    const arrived = next(server, 'connection');
    await call(`${server.addresses[0]}?name=Ann`);
    expect((await arrived)[0].user).toEqual({ name: 'Ann' });
  }
});

it('sees the request', async () => {
  let seen: any;
  const server = await serve({ authorize: (request: any) => void (seen = request) }, 'ws://127.0.0.1:0/p');
  const client = await call(`${server.addresses[0]}?q=1`, {
    headers: { Authorization: 'Bearer x', Origin: server.addresses[0].replace('ws:', 'http:').slice(0, -2) },
    subprotocols: [],
  });
  expect(seen.path).toBe('/p');
  expect(seen.query.get('q')).toBe('1');
  expect(seen.headers.authorization).toBe('Bearer x');
  expect(seen.origin).toMatch(/^http:\/\/127/);
  expect([seen.remoteAddress, seen.remotePort]).toEqual(['127.0.0.1', client.localPort]);
});

it('refuses by a status before the handshake is answered', async () => {
  const server = await serve({ authorize: () => ({ status: 401, body: 'who are you?' }) }, WS);
  const error = await failure(() => call(server, ONCE));
  expect(error).toMatchObject({
    code: 'ERR_QW_UPGRADE_REFUSED',
    details: { status: 401, body: 'who are you?' },
  });
  expect(error.details.headers['content-type']).toContain('text/plain');
  expect(server.getConnectionCount()).toBe(0);
  expect(server.stats().connectionsAccepted).toBe(0);
});

it('refuses with a body of the size that is allowed', async () => {
  const body = 'ä'.repeat(8 * 1024);
  const server = await serve({ authorize: () => ({ status: 403, body }) }, WS);
  const answer = await exchange(server.addresses[0], openingRequest());
  expect(statusOf(answer)).toBe(403);
  expect(answer).toContain(`Content-Length: ${16 * 1024}`);
});

it('refuses by a close code that the client can read', async () => {
  const server = await serve({ authorize: async () => ({ closeCode: 4001, reason: 'banned' }) }, WS);
  let connections = 0;
  server.on('connection', () => (connections += 1));
  const client = await call(server, ONCE);
  expect(await next(client, 'close')).toEqual([4001, 'banned', true]);
  expect(connections).toBe(0);
});

it('refuses by a code of the table too, and with subprotocols that nobody here speaks', async () => {
  const server = await serve({ authorize: () => ({ closeCode: 3 }) }, WS);
  const client = await call(server, { ...ONCE, subprotocols: ['x.v1'] });
  expect((await next(client, 'close')).slice(0, 2)).toEqual([3, '']);
});

it.each([
  [
    'throws',
    () => {
      throw new Error('db is down');
    },
  ],
  ['rejects', () => Promise.reject(new Error('db is down'))],
  ['answers nonsense', () => 'yes'],
  [
    'answers with something that cannot be asked',
    () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested.
      get then(): unknown {
        throw new Error('db is down');
      },
    }),
  ],
  ['answers with a page', () => ({ status: 403, body: 'x'.repeat(16 * 1024 + 1) })],
  ['answers with a status that is none', () => ({ status: 200 })],
  ['answers with a code that cannot be sent', () => ({ closeCode: 1006 })],
  ['chooses a subprotocol that was not offered', () => ({ subprotocol: 'x' })],
])('is a fault of the server when it %s', async (_what, authorize) => {
  const server = await serve({ authorize: authorize as never }, WS);
  const answer = await exchange(server.addresses[0], openingRequest());
  expect(statusOf(answer)).toBe(500);
  expect(answer).not.toContain('db is down');
  expect(server.errors).toHaveLength(1);
  expect(server.errors[0].code).toBe('ERR_QW_HANDSHAKE');
});

it('has the time of the handshake, and what it says later is nothing', async () => {
  let settle = (_verdict: object): void => {};
  const authorize = () => new Promise<object>((resolve) => (settle = resolve));
  const server = await serve({ authorize, handshakeTimeoutMs: 200 }, WS);
  const startedAt = performance.now();
  const answer = await exchange(server.addresses[0], openingRequest());
  expect([408, 503]).toContain(statusOf(answer));
  expect(performance.now() - startedAt).toBeLessThan(2000);
  settle({ user: 'late' });
  await sleep(50);
  expect(server.getConnectionCount()).toBe(0);
  expect(server.errors).toEqual([]);
});

it('is not waited for by a server that closes', async () => {
  let isAsked = false;
  const authorize = () => ((isAsked = true), new Promise<undefined>(() => {}));
  const server = await serve({ authorize }, WS);
  const answer = exchange(server.addresses[0], openingRequest());
  await until(() => isAsked, 'the question');
  await server.close();
  expect(statusOf(await answer)).toBe(503);
});

it('chooses the subprotocol where it wants to', async () => {
  const server = await serve({ authorize: () => ({ subprotocol: 'b' }), subprotocols: ['a'] }, WS);
  const client = await call(server, { subprotocols: ['a', 'b'] });
  expect(client.subprotocol).toBe('b');
  await until(() => server.getConnectionCount() === 1, 'the connection');
  expect([...server.connections][0].subprotocol).toBe('b');
});
