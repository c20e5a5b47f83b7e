/** The handshake of protocol qwh: who is there, who is wanted, and what those hear who are not. */
import { CloseCode, QWormholeError, connect, type HandshakePeer } from 'qwormhole';
import { expect, it } from 'vitest';
import { IS_SECURE, IS_TCP, call, echo, pair, serve } from '../support/scene.js';
import { failure, next, sleep, until } from '../support/wait.js';

const RELAY = { reconnect: false } as const;

it('tells each end who the other is', async () => {
  const meta = { tags: ['blue'], intent: 'prices', shard: { id: 1, of: 4 }, app: { build: 7 } };
  const caps = { offeredCaps: 0b11n << 32n };
  const { client, connection } = await pair(
    { codec: 'json', meta: { tags: ['north'] }, offeredCaps: 0b110n << 32n, maxMessage: 1000 },
    { meta, ...caps, maxMessage: 2000 },
  );
  expect(client.protocol).toBe('qwh');
  expect(connection.protocol).toBe('qwh');
  expect(connection.handshake).toMatchObject({
    ...meta,
    version: 1,
    codec: 'json',
    caps: 0b10n << 32n,
    maxMessage: 2000,
    transport: { native: client.mode === 'native', backend: client.backend },
  });
  expect(client.handshake).toMatchObject({ tags: ['north'], caps: 0b10n << 32n, maxMessage: 1000 });
  expect(client.handshake!.sid).toMatch(/^[0-9a-f]{32}$/);
  expect(client.handshake!.sid).toBe(connection.handshake!.sid);
  const { nv } = client.handshake!;
  expect(nv!.samples).toBe(256);
  expect(nv!.hash).toMatch(/^[0-9a-f]{16}$/);
  expect(nv!.entropy).toBeGreaterThan(6.5);
  expect(connection.handshake!.channelId).toEqual(client.handshake!.channelId);
  // TLS 1.3 on both ends: the session is bound to it.
  expect(client.handshake!.security).toBe(IS_SECURE ? 2 : 0);
  expect(client.handshake!.channelId === undefined).toBe(!IS_SECURE);
});

it('gives nothing to the application before the verdict, and everything after it', async () => {
  let accept: (() => void) | undefined;
  const server = await serve({
    verifyHandshake: () => new Promise<void>((resolve) => (accept = resolve)),
  });
  const received: string[] = [];
  server.on('message', (message) => received.push(String(message)));
  const calling = call(server);
  await until(() => accept !== undefined, 'the question');
  await sleep(30);
  expect(server.getConnectionCount()).toBe(0);
  accept!();
  const client = await calling;
  client.send('hello');
  await until(() => received.length === 1, 'the message');
});

it('shows the verifier who asks, and takes what it says', async () => {
  const asked: HandshakePeer[] = [];
  const server = await serve({
    verifyHandshake: (peer) => {
      asked.push(peer);
      return peer.intent === 'good' ? true : { code: 3, reason: 'bring a token', retryAfterMs: 50 };
    },
  });
  const refusals: any[] = [];
  server.on('handshakeError', (error, address, port) => refusals.push({ error, address, port }));
  const error = await failure(() =>
    connect(server.addresses[0], { protocol: 'qwh', meta: { intent: 'bad' } }),
  );
  expect(error).toBeInstanceOf(QWormholeError);
  expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE_REFUSED', closeCode: CloseCode.auth_failed });
  expect(error.message).toContain('The peer refused the handshake with code 3: bring a token.');
  expect(error.details).toEqual({ closeCode: 3, retryAfterMs: 50 });
  await until(() => refusals.length === 1, 'the event');
  expect(refusals[0].error.code).toBe('ERR_QW_HANDSHAKE_REFUSED');
  expect(refusals[0].error.message).toContain('The peer was refused with code 3: bring a token.');
  expect(refusals[0].address).toBe('127.0.0.1');
  const client = await call(server, { meta: { intent: 'good' } });
  expect(client.state).toBe('open');
  expect(asked.map(({ intent }) => intent)).toEqual(['bad', 'good']);
  expect(asked[1]).toMatchObject({ carrier: client.carrier, remoteAddress: '127.0.0.1', version: 1 });
});

it('refuses where the verifier throws, rejects or says what is no verdict, and tells why here only', async () => {
  const answers: (() => any)[] = [
    () => {
      throw new Error('secret');
    },
    () => Promise.reject(new Error('secret')),
    () => 'yes',
    () => ({ code: -1 }),
  ];
  let at = 0;
  const server = await serve({ verifyHandshake: () => answers[at++]() });
  const failing = next(server, 'handshakeError');
  for (const [index] of answers.entries()) {
    const error = await failure(() => connect(server.addresses[0], { protocol: 'qwh' }));
    expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE_REFUSED', closeCode: CloseCode.internal });
    expect(error.message).not.toContain('secret');
    await until(() => server.errors.length === index + 1, 'the error here');
    expect(server.errors[index]).toMatchObject({ code: 'ERR_QW_HANDSHAKE', closeCode: CloseCode.internal });
  }
  // Nobody was refused by a decision.
  await until(() => server.stats().qwhHandshakes.failed === answers.length, 'the count');
  expect(server.stats().qwhHandshakes).toEqual({ accepted: 0, refused: 0, failed: answers.length });
  expect((await failing)[0]).toMatchObject({ code: 'ERR_QW_HANDSHAKE', closeCode: CloseCode.internal });
});

it('lets a client refuse its server', async () => {
  const server = await serve();
  const refusals: any[] = [];
  server.on('handshakeError', (error) => refusals.push(error));
  const wish = { protocol: 'qwh', verifyHandshake: () => ({ code: 4, reason: 'not you' }) } as const;
  const error = await failure(() => connect(server.addresses[0], wish));
  expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE_REFUSED', closeCode: 4 });
  expect(error.message).toContain('The peer was refused with code 4: not you.');
  await until(() => refusals.length === 1, 'the server to hear of it');
  expect(refusals[0].message).toContain('The peer refused the handshake with code 4: not you.');
  const cause = new Error('mine');
  const thrown = await failure(() =>
    connect(server.addresses[0], {
      protocol: 'qwh',
      verifyHandshake: () => {
        throw cause;
      },
    }),
  );
  expect(thrown).toMatchObject({ code: 'ERR_QW_HANDSHAKE', cause });
});

it('has a time for all of it', async () => {
  let signal: AbortSignal | undefined;
  const server = await serve({
    handshakeTimeoutMs: 1000,
    verifyHandshake: (peer) => {
      ({ signal } = peer);
      return new Promise<void>(() => {});
    },
  });
  const error = await failure(() => connect(server.addresses[0], { protocol: 'qwh' }));
  expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE_REFUSED', closeCode: CloseCode.timeout });
  await until(() => signal!.aborted, 'the abort');
  expect(server.getConnectionCount()).toBe(0);
});

it('gives up a call in time', async () => {
  const server = await serve({ verifyHandshake: () => new Promise<void>(() => {}) });
  const error = await failure(() => connect(server.addresses[0], { protocol: 'qwh', connectTimeoutMs: 100 }));
  expect(error.code).toBe('ERR_QW_CONNECT_TIMEOUT');
  const cancelled = await failure(() =>
    connect(server.addresses[0], { protocol: 'qwh', signal: AbortSignal.timeout(50) }),
  );
  expect(cancelled.code).toBe('ERR_QW_ABORTED');
});

it.each([
  ['codecs', { codec: 'json' }, { codec: 'cbor' }, CloseCode.codec],
  ['required capabilities', { offeredCaps: 1n << 40n, requiredCaps: 1n << 40n }, {}, CloseCode.caps],
] as const)('refuses %s that do not fit', async (_what, ours, theirs, code) => {
  const server = await serve(ours);
  const error = await failure(() => connect<any>(server.addresses[0], { protocol: 'qwh', ...theirs }));
  expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE_REFUSED', closeCode: code });
});

it('admits peers of the plain protocol, or not', async () => {
  const server = await serve();
  echo(server);
  const plain = await call(server, { protocol: IS_TCP ? 'length-prefixed' : 'raw' });
  const answer = next(plain, 'message');
  plain.send('plain');
  expect(String((await answer)[0])).toBe('plain');
  const [connection] = server.connections;
  expect(connection.protocol).toBe(IS_TCP ? 'length-prefixed' : 'raw');
  expect(connection.handshake).toBeUndefined();

  const strict = await serve({ handshake: 'required' });
  if (IS_TCP) {
    const stranger = await call(strict, { protocol: 'length-prefixed', ...RELAY });
    const closed = next(stranger, 'close');
    stranger.on('message', () => {});
    stranger.send('hello');
    await closed;
  } else {
    const error = await failure(() => connect(strict.addresses[0], { protocol: 'raw' }));
    expect(error).toMatchObject({ code: 'ERR_QW_UPGRADE_REFUSED', details: { status: 400 } });
  }
  expect(strict.getConnectionCount()).toBe(0);
});

it('never falls back by itself', async () => {
  const server = await serve({ handshake: 'off' });
  server.on('message', () => {});
  const error = await failure(() =>
    connect(server.addresses[0], { protocol: 'qwh', connectTimeoutMs: 2000 }),
  );
  expect(['ERR_QW_HANDSHAKE', 'ERR_QW_CONNECTION_LOST', 'ERR_QW_CONNECT_FAILED']).toContain(error.code);
});
