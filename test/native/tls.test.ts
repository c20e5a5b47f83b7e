/** TLS on the native driver alone, through the seam: what policy above it relies on. */
import { execFile } from 'node:child_process';
import { connect as connectPlain } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { QWormholeError } from '../../ts/errors/error.js';
import type { TlsPeer } from '../../ts/link/tls.js';
import { sleep, until } from '../support/wait.js';
import {
  authority,
  call,
  callWith,
  client,
  dialing,
  failing,
  listening,
  serve,
  server,
  stranger,
} from './tls/scene.js';

afterAll(() => {
  authority.remove();
  stranger.remove();
});

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const only = (version: (typeof VERSIONS)[number]) => ({ minVersion: version, maxVersion: version });
const refuse = (): never => {
  throw new QWormholeError('ERR_QW_TLS_PIN');
};

describe.each(VERSIONS)('%s', (version) => {
  test.each([false, true])('both ends agree, over a stream and over WebSocket (%s)', async (isWebSocket) => {
    for (const requestCert of [false, true]) {
      const served = await serve({ requestCert }, isWebSocket);
      const identity = requestCert ? client : undefined;
      const called = await call(served, { ...only(version), identity }, isWebSocket);
      await until(() => served.arrived.length === 1, 'the connection');
      const [accepted] = served.arrived;
      expect(called.link.info).toMatchObject({
        route: { carrier: isWebSocket ? 'wss' : 'tls' },
        tls: { protocol: version, servername: 'localhost', authorized: true, peerChain: server.chain },
      });
      expect(accepted.link.info.tls).toMatchObject({ authorized: requestCert, servername: 'localhost' });
      expect(accepted.link.info.tls?.peerChain).toEqual(requestCert ? client.chain : []);
      expect(accepted.link.info.tls?.cipher).toMatch(/^TLS_/);
      expect(accepted.link.info.tls?.cipher).toBe(called.link.info.tls?.cipher);
      const keys = [accepted, called].map(({ link }) => link.exportKeyingMaterial!('EXPORTER-test', 32));
      expect(keys[0]).toEqual(keys[1]);
      const large = Buffer.alloc(3_000_000, 'large');
      for (const [from, to] of [
        [accepted, called],
        [called, accepted],
      ]) {
        from.send('small');
        from.send(large);
        await until(() => to.messages.length === 2, 'both messages');
        expect(to.messages[0].toString()).toBe('small');
        expect(to.messages[1].equals(large)).toBe(true);
        await until(() => from.link.bufferedAmount === 0, 'an empty queue');
      }
      called.link.close(1000, 'done');
      await until(() => called.close !== undefined && accepted.close !== undefined, 'both ends');
      expect([called.close?.clean, accepted.close?.clean]).toEqual([true, true]);
      expect(() => called.link.exportKeyingMaterial!('EXPORTER-test', 32)).toThrow(
        expect.objectContaining({ code: 'ERR_QW_CLOSED' }),
      );
    }
  });

  test('each failure has its code where it is decided, and an alert on the other end', async () => {
    const tls = only(version);
    const mutual = await serve({ requestCert: true });
    const outsider = stranger.leaf('client');
    expect(await failing(mutual, tls)).toEqual([
      'ERR_QW_TLS_ALERT certificate_required',
      'ERR_QW_TLS_CERT_REQUIRED',
    ]);
    expect(await failing(mutual, { ...tls, identity: outsider })).toEqual([
      'ERR_QW_TLS_ALERT unknown_ca',
      'ERR_QW_TLS_UNTRUSTED',
    ]);
    const plain = await serve({ alpn: ['one'] });
    expect(await failing(plain, { ...tls, verifyName: 'elsewhere' })).toEqual([
      'ERR_QW_TLS_NAME',
      'ERR_QW_TLS_ALERT bad_certificate',
    ]);
    expect(await failing(plain, { ...tls, ca: [stranger.certificate] })).toEqual([
      'ERR_QW_TLS_UNTRUSTED',
      'ERR_QW_TLS_ALERT unknown_ca',
    ]);
    expect(await failing(plain, { ...tls, alpn: ['two'] })).toEqual([
      'ERR_QW_TLS_ALERT no_application_protocol',
      'ERR_QW_TLS_ALPN',
    ]);
    const other = await serve(only(version === 'TLSv1.2' ? 'TLSv1.3' : 'TLSv1.2'));
    expect((await failing(other, tls))[1]).toBe('ERR_QW_TLS_INCOMPATIBLE');
    expect(mutual.arrived.length + plain.arrived.length + other.arrived.length).toBe(0);
  });

  test('a client that the owner refuses is never up, resumed or not', async () => {
    let isStrict = false;
    const peers: TlsPeer[] = [];
    const served = await serve({
      judge: async (peer) => {
        peers.push(peer);
        await sleep(10);
        if (isStrict) refuse();
      },
    });
    await call(served, only(version));
    expect(peers[0].remoteAddress).toBe('127.0.0.1');
    isStrict = true;
    expect(await failing(served, only(version))).toEqual([
      'ERR_QW_TLS_ALERT access_denied',
      'ERR_QW_TLS_PIN',
    ]);
    expect(served.arrived.length).toBe(1);
  });

  test('a server that the owner refuses hears why it was left', async () => {
    const served = await serve();
    const failure = call(served, { ...only(version), judge: refuse });
    await expect(failure).rejects.toMatchObject({ code: 'ERR_QW_TLS_PIN' });
    // The handshake is done: to the server it may be an open connection.
    const heard = () => served.errors[0] ?? served.arrived[0]?.close?.error;
    await until(() => heard() !== undefined, 'the alert');
    expect(heard()).toMatchObject({ code: 'ERR_QW_TLS_ALERT', details: { alert: 'access_denied' } });
  });
});

test('without rejectUnauthorized it is said why a peer is not authorized', async () => {
  const served = await serve({ requestCert: true, rejectUnauthorized: false });
  const called = await call(served, {
    rejectUnauthorized: false,
    verifyName: 'elsewhere',
    identity: stranger.leaf('client'),
  });
  await until(() => served.arrived.length === 1, 'the first');
  await call(served);
  await until(() => served.arrived.length === 2, 'both connections');
  const [known, unknown] = served.arrived.map(({ link }) => link.info.tls!);
  const told = [called.link.info.tls!, known, unknown];
  expect(told.map(({ authorized }) => authorized)).toEqual([false, false, false]);
  expect(told.map(({ authorizationError }) => authorizationError?.code)).toEqual([
    'ERR_QW_TLS_NAME',
    'ERR_QW_TLS_UNTRUSTED',
    'ERR_QW_TLS_CERT_REQUIRED',
  ]);
});

test('names choose identities, the owner is asked where none fits, and its failure costs one client', async () => {
  const named = authority.leaf('named.example');
  const asked = authority.leaf('asked.example');
  const names: string[] = [];
  const served = await serve({
    identities: [
      { ...server, names: ['localhost'] },
      { ...named, names: ['named.example', '*.wild.example'] },
    ],
    identityFor: async (name) => {
      names.push(name);
      await sleep(5);
      if (name === 'broken.example') throw new Error('out of order');
      return name === 'asked.example' ? asked : undefined;
    },
  });
  const shown = async (servername: string) => {
    const called = await call(served, { servername, verifyName: '', rejectUnauthorized: false });
    return called.link.info.tls?.peerChain;
  };
  expect(await shown('localhost')).toEqual(server.chain);
  expect(await shown('named.example')).toEqual(named.chain);
  expect(await shown('a.wild.example')).toEqual(named.chain);
  expect(await shown('asked.example')).toEqual(asked.chain);
  expect(await shown('other.example')).toEqual(server.chain);
  const broken = { servername: 'broken.example', verifyName: 'broken.example' };
  expect(await failing(served, broken)).toEqual(['ERR_QW_TLS_ALERT internal_error', 'ERR_QW_TLS_HANDSHAKE']);
  expect(names).toEqual(['asked.example', 'other.example', 'broken.example']);
});

test('sessions are resumed until the settings change; connections outlive the change', async () => {
  const served = await serve();
  const tls = dialing();
  const again = () => callWith(served, tls);
  const first = await again();
  await until(() => served.arrived.length === 1, 'the first');
  const second = await again();
  expect([first, second].map(({ link }) => link.info.tls?.isResumed)).toEqual([false, true]);
  expect(second.link.info.tls?.peerChain).toEqual(server.chain);
  const renewed = authority.leaf('localhost');
  served.listener.updateTls!(listening({ identities: [{ ...renewed, names: [] }] }));
  const third = await again();
  expect(third.link.info.tls).toMatchObject({ isResumed: false, peerChain: renewed.chain });
  await until(() => served.arrived.length === 3, 'all connections');
  first.send('still here');
  await until(() => served.arrived[0].messages.length === 1, 'a message of the first');
  const { key } = stranger.leaf('localhost');
  const mismatch = listening({ identities: [{ chain: renewed.chain, key, names: [] }] });
  expect(() => served.listener.updateTls!(mismatch)).toThrow(
    expect.objectContaining({ code: 'ERR_QW_TLS_CONFIG' }),
  );
  expect((await again()).link.info.tls?.peerChain).toEqual(renewed.chain);
});

test('what does not speak TLS, or stays silent, is counted and closed; nobody else notices', async () => {
  const served = await serve({ handshakeTimeoutMs: 1500 });
  const banners = ['GET / HTTP/1.1\r\n\r\n', 'SSH-2.0-OpenSSH_9.9\r\n', Buffer.alloc(100_000), ''];
  for (const banner of banners) {
    await new Promise((resolve) => {
      const socket = connectPlain(served.listener.port, '127.0.0.1', () => socket.write(banner));
      socket
        .on('close', resolve)
        .on('error', () => {})
        .resume();
    });
  }
  await until(() => served.errors.length === 4, 'four faults');
  expect(served.errors.map(({ code }) => code)).toEqual([
    'ERR_QW_TLS_NOT_TLS',
    'ERR_QW_TLS_NOT_TLS',
    'ERR_QW_TLS_NOT_TLS',
    'ERR_QW_TLS_TIMEOUT',
  ]);
  await call(served);
});

test('a place is free as soon as its client has gone, whatever the callback does', async () => {
  let asked = 0;
  const served = await serve({
    maxPendingHandshakes: 1,
    handshakeTimeoutMs: 20_000,
    judge: () => {
      asked += 1;
      return asked === 1 ? new Promise(() => {}) : undefined;
    },
  });
  const controller = new AbortController();
  const stuck = callWith(served, dialing(), false, controller.signal);
  stuck.catch(() => {});
  await until(() => asked === 1, 'the question');
  // A reset, which may come before the handshake begins.
  await expect(call(served)).rejects.toMatchObject({ kind: 'network' });
  controller.abort();
  await expect(stuck).rejects.toMatchObject({ code: 'ERR_QW_ABORTED' });
  await until(() => served.errors.length === 2, 'the refusal, and the end of the first');
  await call(served);
});

test.each(['-tls1_2', '-tls1_3'])('openssl s_client %s is served', async (version) => {
  const served = await serve();
  const args = ['s_client', '-connect', `127.0.0.1:${served.listener.port}`, '-CAfile', authority.path];
  const output = await new Promise<string>((resolve) => {
    const child = execFile('openssl', [...args, version, '-verify_return_error'], (_error, stdout) =>
      resolve(stdout),
    );
    child.stdin!.end('\0\0\0\u0005hello');
  });
  expect(output).toContain('Verify return code: 0 (ok)');
  await until(() => served.arrived[0]?.messages.length === 1, 'the message');
  expect(served.arrived[0].messages[0].toString()).toBe('hello');
});
