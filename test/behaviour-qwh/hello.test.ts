/** What each end says of itself: asked for anew before each attempt, and checked each time. */
import { connect, createQWormholeServer, type ServerConnection } from 'qwormhole';
import { expect, it } from 'vitest';
import { call, pair, serve } from '../support/scene.js';
import { failure, next, until } from '../support/wait.js';

const ONCE = { reconnect: false } as const;
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const OTHER_TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

it('sends a fresh token with each attempt', async () => {
  const server = await serve({
    verifyHandshake: ({ app }) => (app?.token === 'expired' ? { code: 3, reason: 'stale' } : true),
  });
  const tokens: unknown[] = [];
  server.on('connection', ({ handshake }: ServerConnection<any>) => tokens.push(handshake!.app!.token));
  const asked: number[] = [];
  const client = await call(server, {
    meta: async ({ number, signal }) => {
      expect(signal.aborted).toBe(false);
      asked.push(number);
      return { app: { token: asked.length === 2 ? 'expired' : `token ${asked.length}` } };
    },
    reconnect: { baseMs: 1, capMs: 1 },
  });
  await until(() => tokens.length === 1, 'the first');
  const back = next(client, 'ready');
  for (const connection of server.connections) connection.terminate();
  await back;
  await until(() => tokens.length === 2, 'the second');
  // The one in between was refused, and not used again.
  expect(tokens).toEqual(['token 1', 'token 3']);
  expect(asked).toEqual([0, 1, 2]);
});

it('checks what the function gives as it checks the option', async () => {
  const server = await serve({});
  const [address] = server.addresses;
  for (const meta of [
    { intent: 'x'.repeat(65) },
    { other: 1 },
    { app: { a: 'x'.repeat(4096) } },
    'x',
    null,
    undefined,
  ]) {
    const error = await failure(() => connect(address, { ...ONCE, meta: () => meta as never }));
    expect(error.code).toMatch(/^ERR_QW_OPTION_(INVALID|UNKNOWN)$/);
    expect(error.details.option).toMatch(/^meta/);
  }
  const cause = new Error('no token');
  const failed = await failure(() => connect(address, { ...ONCE, meta: () => Promise.reject(cause) }));
  expect(failed).toMatchObject({ code: 'ERR_QW_OPTION_FAILED', cause, details: { option: 'meta' } });
  const slow = { ...ONCE, connectTimeoutMs: 50, meta: () => new Promise<never>(() => {}) };
  expect((await failure(() => connect(address, slow))).code).toBe('ERR_QW_CONNECT_TIMEOUT');
  expect(server.stats().connectionsAccepted).toBe(0);
});

it('does not tell what is in meta, nor takes more than goes with what is added', async () => {
  const endpoints = 'tcp://127.0.0.1:9';
  const error = await failure(() => connect(endpoints, { meta: { intent: `secret ${'x'.repeat(64)}` } }));
  expect(error.code).toBe('ERR_QW_OPTION_INVALID');
  expect(error.message).not.toContain('secret');
  // By itself it has less than 4 KiB.
  const meta = { app: { a: 'x'.repeat(4050) } };
  expect(await failure(() => connect(endpoints, { meta }))).toMatchObject({
    code: 'ERR_QW_OPTION_INVALID',
    details: { option: 'meta' },
  });
});

it('asks no server: what that says is put together when it listens', async () => {
  const error = await failure(() => createQWormholeServer({ endpoints: [], meta: () => ({}) } as never));
  expect(error).toMatchObject({ code: 'ERR_QW_OPTION_INVALID', details: { option: 'meta' } });
  expect(error.message).toContain('on a client also a function');
});

it('has a trace, of either end', async () => {
  const traces = [TRACE, OTHER_TRACE, undefined];
  const { client, connection, server } = await pair(
    { trace: OTHER_TRACE },
    { trace: ({ number }) => traces[number], reconnect: { baseMs: 1, capMs: 1 } },
  );
  expect(connection.handshake!.trace).toBe(TRACE);
  expect(client.handshake!.trace).toBe(OTHER_TRACE);
  const again = next(server, 'connection');
  connection.terminate();
  const [other] = await again;
  expect(other.handshake.trace).toBe(OTHER_TRACE);
  const without = next(server, 'connection');
  // A loss of its own: the count begins anew.
  traces[1] = undefined;
  other.terminate();
  expect('trace' in (await without)[0].handshake).toBe(false);
});

it('refuses what is no trace', async () => {
  const zeros = TRACE.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32));
  for (const trace of ['', 'ff-' + TRACE.slice(3), TRACE.toUpperCase(), `${TRACE}-00`, zeros]) {
    const error = await failure(() => connect('tcp://127.0.0.1:9', { trace }));
    expect(error).toMatchObject({ code: 'ERR_QW_OPTION_INVALID', details: { option: 'trace' } });
  }
  const server = await serve({});
  const late = await failure(() => connect(server.addresses[0], { ...ONCE, trace: () => 'nothing' }));
  expect(late).toMatchObject({ code: 'ERR_QW_OPTION_INVALID', details: { option: 'trace' } });
});

it('shows the versions and the extensions of the other end', async () => {
  const value = Buffer.from([0, 255, 10]);
  const { client, connection } = await pair(
    { extensions: [{ name: 'com.example.region', value: Buffer.from('north') }] },
    {
      extensions: [
        { name: 'com.example.region', value, required: true },
        { name: 'com.example.shy', value: new Uint8Array(0) },
      ],
    },
  );
  expect(connection.handshake!.versions).toEqual({ min: 1, max: 1 });
  const seen = (handshake: any) =>
    handshake.extensions.map((each: any) => [
      each.name,
      Buffer.from(each.value).toString('hex'),
      each.required,
    ]);
  expect(seen(connection.handshake)).toEqual([
    ['com.example.region', '00ff0a', true],
    ['com.example.shy', '', false],
  ]);
  expect(seen(client.handshake)).toEqual([
    ['com.example.region', Buffer.from('north').toString('hex'), false],
  ]);
});

it('has no connection without an extension that is required', async () => {
  const extension = { name: 'com.example.region', value: Buffer.from('x'), required: true };
  const server = await serve({ extensions: [extension] });
  const told = next(server, 'handshakeError');
  const error = await failure(() => connect(server.addresses[0], ONCE));
  for (const each of [error, (await told)[0]]) {
    expect(each).toMatchObject({ closeCode: 5, details: { missingExtensions: ['com.example.region'] } });
    expect(each.message).toContain('required extensions are missing: com.example.region.');
  }
});

it('bounds extensions', async () => {
  const extension = (name: string, bytes = 0) => ({ name, value: Buffer.alloc(bytes) });
  const wrong = [
    [extension('')],
    [extension('with blank')],
    [extension('twice'), extension('twice')],
    [extension('large', 4096)],
    Array.from({ length: 17 }, (_, at) => extension(`x${at}`)),
    [{ name: 'a', value: 'text' }],
    [{ ...extension('a'), other: 1 }],
  ];
  for (const extensions of wrong) {
    const error = await failure(() => connect('tcp://127.0.0.1:9', { extensions: extensions as never }));
    expect(error.code).toMatch(/^ERR_QW_OPTION_(INVALID|UNKNOWN)$/);
    expect(error.details.option).toMatch(/^extensions/);
  }
  const most = { extensions: [extension('large', 4000)], meta: { app: { a: 'x'.repeat(3600) } } };
  const { connection } = await pair({}, most);
  expect(connection.handshake!.extensions[0].value).toHaveLength(4000);
});
