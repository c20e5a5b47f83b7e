/** What the owner of a listener with TLS decides while settings change and clients crowd, on the native driver. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { connect as connectPlain, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { QWormholeError } from '../../ts/errors/error.js';
import { fingerprintsOf } from '../../ts/tls/fingerprint.js';
import { cleanUp } from '../support/scene.js';
import { sleep, until } from '../support/wait.js';
import {
  authority,
  call,
  callWith,
  client,
  dialing,
  listening,
  type Served,
  serve,
  server,
  stranger,
} from './tls/scene.js';

afterAll(() => {
  authority.remove();
  stranger.remove();
});

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const refuse = (): never => {
  throw new QWormholeError('ERR_QW_TLS_REFUSED');
};

async function plain({ listener }: Served): Promise<Socket> {
  const socket = connectPlain(listener.port, '127.0.0.1');
  cleanUp(() => socket.destroy());
  socket.on('error', () => {}).resume();
  await new Promise((resolve) => socket.once('connect', resolve));
  await sleep(30);
  return socket;
}

function shake(socket: Socket): void {
  const tls = connectTls({ socket, servername: 'localhost', ca: [pem(authority.certificate)] });
  tls.on('error', () => {}).resume();
}

const pem = (der: Buffer) => new X509Certificate(der).toString();

describe('settings that are replaced', () => {
  test('hold for everybody whose hello comes later, however long it was connected', async () => {
    const served = await serve();
    const early = await plain(served);
    served.listener.updateTls!(listening({ judge: refuse }));
    shake(early);
    await until(() => served.errors.length === 1, 'the refusal');
    expect(served.arrived.length).toBe(0);
    const other = await serve({ judge: refuse });
    const late = await plain(other);
    other.listener.updateTls!(listening());
    shake(late);
    await until(() => other.arrived.length === 1, 'the connection');
    expect(other.errors).toEqual([]);
  });

  test('leave to those before them whom they have begun with', async () => {
    const asked: string[] = [];
    let answer!: () => void;
    const first = new Promise<void>((resolve) => (answer = resolve));
    const served = await serve({
      identities: [{ ...server, names: ['localhost'] }],
      identityFor: async (name) => (asked.push(`old ${name}`), await first, undefined),
      judge: () => (asked.push('old judge'), refuse()),
    });
    const calling = call(served, { servername: 'other.example', verifyName: 'localhost' });
    await until(() => asked.length === 1, 'the question');
    for (let round = 0; round < 3; round += 1)
      served.listener.updateTls!(listening({ judge: () => void asked.push('new judge') }));
    answer();
    await expect(calling).rejects.toMatchObject({ code: 'ERR_QW_TLS_ALERT' });
    expect(asked).toEqual(['old other.example', 'old judge']);
    await call(served);
    expect(asked.at(-1)).toBe('new judge');
  });
});

describe('places', () => {
  test('of the silent go to newcomers, which is counted', async () => {
    const served = await serve({ maxPendingHandshakes: 2, handshakeTimeoutMs: 20_000 });
    const [first, second] = [await plain(served), await plain(served)];
    const ended = new Promise((resolve) => first.once('close', resolve));
    await call(served);
    await ended;
    expect(second.destroyed).toBe(false);
    await until(() => served.errors.length === 1, 'the eviction');
    expect(served.errors[0]).toMatchObject({
      code: 'ERR_QW_RESOURCES',
      details: { maxPendingHandshakes: 2 },
    });
  });

  test('of those that are judged do not, which is counted too', async () => {
    let judged = 0;
    const never = () => ((judged += 1), new Promise<void>(() => {}));
    const served = await serve({ maxPendingHandshakes: 1, handshakeTimeoutMs: 20_000, judge: never });
    const calling = call(served);
    calling.catch(() => {});
    await until(() => judged === 1, 'the question');
    await expect(call(served)).rejects.toMatchObject({ code: 'ERR_QW_TLS_CLOSED' });
    await until(() => served.errors.length === 1, 'the fault');
    expect(served.errors[0]).toMatchObject({ code: 'ERR_QW_RESOURCES' });
  });
});

test('a closed listener lets nobody in any more and tells nothing', async () => {
  let answer!: (refused: boolean) => void;
  let judged = 0;
  const verdict = new Promise<boolean>((resolve) => (answer = resolve));
  const served = await serve({
    judge: async () => {
      judged += 1;
      if (await verdict) refuse();
    },
  });
  const calling = call(served);
  const outcome = expect(calling).rejects.toMatchObject({ code: 'ERR_QW_TLS_CLOSED' });
  await until(() => judged === 1, 'the question');
  await served.listener.close();
  answer(true);
  await outcome;
  await sleep(50);
  expect([served.errors, served.arrived]).toEqual([[], []]);
});

describe.each(VERSIONS)('a client of %s that goes when it has seen our certificate', (version) => {
  test.each([false, true])('by a reset (WebSocket: %s)', async (isWebSocket) => {
    const served = await serve({}, isWebSocket);
    const socket = await plain(served);
    const tls = connectTls({
      socket,
      maxVersion: version,
      servername: 'localhost',
      rejectUnauthorized: false,
    });
    tls.on('error', () => {});
    await new Promise((resolve) => tls.once('secureConnect', resolve));
    // The server has to be through as well.
    if (isWebSocket) await sleep(30);
    else await until(() => served.arrived.length === 1, 'the connection');
    socket.resetAndDestroy();
    const heard = () => (isWebSocket ? served.errors[0] : served.arrived[0]?.close?.error);
    await until(() => heard() !== undefined, 'the fault');
    expect(heard()).toMatchObject({ code: 'ERR_QW_TLS_CLOSED' });
  });

  test.each([false, true])('by an alert (WebSocket: %s)', async (isWebSocket) => {
    const served = await serve({}, isWebSocket);
    const judged = call(served, { maxVersion: version, judge: refuse }, isWebSocket);
    await expect(judged).rejects.toMatchObject({ code: 'ERR_QW_TLS_REFUSED' });
    const heard = () => served.errors[0] ?? served.arrived[0]?.close?.error;
    await until(() => heard() !== undefined, 'the alert');
    expect(heard()).toMatchObject({ code: 'ERR_QW_TLS_ALERT', details: { alert: 'access_denied' } });
    if (isWebSocket) expect(served.arrived.length).toBe(0);
  });

  test('for a pin or because it is revoked is never in', async () => {
    const { spki, cert } = fingerprintsOf(server.chain[0]);
    const wrong = fingerprintsOf(client.chain[0]).spki;
    for (const [rules, code] of [
      [{ pins: [{ of: 'spki', hex: wrong }] }, 'ERR_QW_TLS_PIN'],
      [{ revoked: [{ of: 'cert', hex: cert }] }, 'ERR_QW_TLS_REVOKED'],
    ] as const) {
      const served = await serve();
      const failed = call(served, { maxVersion: version, ...rules });
      await expect(failed).rejects.toMatchObject({ code });
      await until(() => served.errors.length === 1, 'the alert');
      expect(served.errors[0]).toMatchObject({ code: 'ERR_QW_TLS_ALERT' });
      expect(served.arrived.length).toBe(0);
    }
    const served = await serve();
    await call(served, { maxVersion: version, pins: [{ of: 'spki', hex: spki }] });
  });

  test('without a certificate is told so, also when its session is resumed', async () => {
    const served = await serve({ requestCert: true, rejectUnauthorized: false });
    const tls = dialing({ maxVersion: version });
    for (const count of [1, 2]) {
      await callWith(served, tls);
      await until(() => served.arrived.length === count, 'the connection');
    }
    const infos = served.arrived.map(({ link }) => link.info.tls!);
    expect(infos.map(({ isResumed }) => isResumed)).toEqual([false, true]);
    expect(infos.map(({ authorized }) => authorized)).toEqual([false, false]);
    for (const { authorizationError } of infos)
      expect(authorizationError).toMatchObject({ code: 'ERR_QW_TLS_CERT_REQUIRED' });
  });
});

test('garbage behind a hello is looked at with it', async () => {
  const hello = await helloOf();
  const served = await serve({ handshakeTimeoutMs: 20_000 });
  const socket = await plain(served);
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.write(Buffer.concat([hello, Buffer.alloc(200, 7)]));
  await ended;
  await until(() => served.errors.length === 1, 'the fault');
  expect(served.errors[0]).toMatchObject({ code: 'ERR_QW_TLS_HANDSHAKE' });
});

test('what `openssl req -x509` makes is taken where it is trusted itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qwormhole-self-'));
  const [cert, key] = [join(folder, 'cert.der'), join(folder, 'key.der')];
  const asked = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
  ];
  const made = ['-subj', '/CN=me', '-addext', 'subjectAltName=DNS:localhost', '-outform', 'DER'];
  const pemKey = join(folder, 'key.pem');
  execFileSync('openssl', [...asked, ...made, '-out', cert, '-keyout', pemKey], { stdio: 'ignore' });
  execFileSync('openssl', ['pkcs8', '-topk8', '-nocrypt', '-in', pemKey, '-outform', 'DER', '-out', key]);
  const own = { chain: [readFileSync(cert)], key: readFileSync(key) };
  const served = await serve({
    identities: [{ ...own, names: [] }],
    requestCert: true,
    ca: own.chain,
  });
  const called = await call(served, { ca: own.chain, identity: own });
  expect(called.link.info.tls!.authorized).toBe(true);
  await until(() => served.arrived.length === 1, 'the connection');
  expect(served.arrived[0].link.info.tls!.authorized).toBe(true);
  await expect(call(served)).rejects.toMatchObject({ code: 'ERR_QW_TLS_UNTRUSTED' });
});

async function helloOf(): Promise<Buffer> {
  const catcher = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => catcher.once('listening', resolve));
  const { port } = catcher.address() as AddressInfo;
  const caught = new Promise<Buffer>((resolve) =>
    catcher.once('connection', (socket) => socket.on('error', () => {}).once('data', resolve)),
  );
  const caller = connectTls({ port, host: '127.0.0.1', servername: 'localhost' }).on('error', () => {});
  const hello = await caught;
  caller.destroy();
  catcher.close();
  return hello;
}
