/** What servers do with names, new certificates, callbacks of all kinds, and with those who speak no TLS. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { ca, clientCert, otherCa, pairOf, serverCert } from '../support/pki.js';
import { cleanUp, echo } from '../support/scene.js';
import { failure, next, sleep, until } from '../support/wait.js';
import { gone, plain, secureCall, secureServer, TRUSTING } from './support.js';

const subjectOf = (client: any): string => client.tls.peerCertificate.subject;
const MUTUAL = { requestCert: true, ca: ca.cert, ...pairOf(serverCert()) };
const IDENTIFIED = { ...TRUSTING, ...pairOf(clientCert()) };

describe('names', () => {
  it('choose the certificate', async () => {
    const first = serverCert({ name: 'first' });
    const asked: string[] = [];
    const server = await secureServer({
      ...pairOf(first),
      identities: [
        pairOf(serverCert({ name: 'a.example', names: ['a.example'] })),
        { ...pairOf(serverCert({ name: 'any', names: ['*.b.example'] })), names: ['*.b.example'] },
      ],
      sniCallback: async (name) =>
        asked.push(name) > 0 && name === 'c.example'
          ? pairOf(serverCert({ name: 'asked', names: ['c.example'] }))
          : undefined,
    });
    for (const [servername, subject] of [
      ['a.example', 'CN=a.example'],
      ['A.example', 'CN=a.example'],
      ['x.b.example', 'CN=any'],
      ['C.example', 'CN=asked'],
      ['localhost', 'CN=first'],
    ])
      expect(subjectOf(await secureCall(server, { ...TRUSTING, servername }))).toBe(subject);
    const unknown = await failure(() => secureCall(server, { ...TRUSTING, servername: 'd.example' }));
    expect(unknown).toMatchObject({ code: 'ERR_QW_TLS_NAME' });
    const [connection] = server.connections;
    expect(connection.tls!.servername).toBe('a.example');
    expect(asked).toEqual(['c.example', 'd.example']);
  });

  it('fit a star that is a label of its own, and no part of one', async () => {
    const server = await secureServer(pairOf(serverCert({ names: ['*.a.example', 'b*.c.example'] })));
    await secureCall(server, { ...TRUSTING, servername: 'x.a.example' });
    for (const servername of ['bx.c.example', 'x.y.a.example', 'a.example']) {
      const refused = await failure(() => secureCall(server, { ...TRUSTING, servername }));
      expect(refused).toMatchObject({ code: 'ERR_QW_TLS_NAME' });
    }
  });

  it('cost the one connection whose callback fails', async () => {
    const failing: [() => any, string][] = [
      [() => Promise.reject(new Error('no')), 'ERR_QW_TLS_CONFIG'],
      [
        () => {
          throw new Error('no');
        },
        'ERR_QW_TLS_CONFIG',
      ],
      [() => ({ cert: 'nonsense' }), 'ERR_QW_TLS_CONFIG'],
    ];
    for (const [sniCallback, code] of failing) {
      const server = await secureServer({ sniCallback });
      const refused: any = await failure(() => secureCall(server, { ...TRUSTING, servername: 'x.example' }));
      expect(refused.code).toMatch(/^ERR_QW_TLS_(CLOSED|ALERT)$/);
      await until(() => server.failures.length > 0, 'the failure');
      expect(server.failures[0]).toMatchObject({ code });
      await secureCall(server, { ...TRUSTING, servername: 'localhost' });
    }
  });
});

describe('callbacks that never settle', () => {
  const never = () => new Promise<never>(() => {});

  it('end with their time', async () => {
    for (const tls of [{ sniCallback: never }, { verify: never, ...MUTUAL }]) {
      const server = await secureServer({ ...tls, handshakeTimeoutMs: 200 });
      const refused: any = await failure(() =>
        secureCall(server, { ...IDENTIFIED, servername: 'x.example', rejectUnauthorized: false }),
      );
      expect(refused.code).toMatch(/^ERR_QW_TLS_(CLOSED|ALERT)$/);
      await until(() => server.failures.length > 0, 'the failure');
      expect(server.failures[0]).toMatchObject({ code: 'ERR_QW_TLS_TIMEOUT' });
    }
  });

  it('give their place back when the peer leaves', async () => {
    const asked: unknown[] = [];
    const verify = (peer: unknown) => (asked.push(peer), never());
    const server = await secureServer({ ...MUTUAL, verify, maxPendingHandshakes: 1 });
    for (let round = 1; round <= 3; round += 1) {
      // Who comes too early finds the only place taken, and tries again.
      for (let tries = 0; asked.length < round && tries < 50; tries += 1) {
        const controller = new AbortController();
        const calling = failure(() => connectWith(server, controller.signal));
        await Promise.race([calling, until(() => asked.length === round).catch(() => {})]);
        controller.abort();
        await calling;
        await sleep(10);
      }
      expect(asked.length).toBe(round);
    }
    server.updateTls({ verify: () => true });
    const late = (): Promise<unknown> => secureCall(server, IDENTIFIED).catch(() => sleep(50).then(late));
    await late();
  });

  it('of a client end with its time', async () => {
    const server = await secureServer();
    const tls = { ...TRUSTING, verify: never, handshakeTimeoutMs: 100 };
    expect(await failure(() => secureCall(server, tls))).toMatchObject({ code: 'ERR_QW_TLS_TIMEOUT' });
  });
});

async function connectWith(server: any, signal: AbortSignal): Promise<unknown> {
  const { createQWormholeClient } = await import('qwormhole');
  const { client } = createQWormholeClient({
    endpoints: server.addresses[0],
    tls: IDENTIFIED,
    reconnect: false,
  });
  cleanUp(() => client.close());
  client.on('error', () => {});
  return client.connect({ signal });
}

it('is not renegotiated, with which a client of TLS 1.2 could keep the server busy', async () => {
  const server = await secureServer();
  const { port } = new URL(server.addresses[0]);
  const options = { port: Number(port), host: '127.0.0.1', ca: ca.cert, maxVersion: 'TLSv1.2' } as const;
  const socket = connectTls(options);
  cleanUp(() => socket.destroy());
  socket.on('error', () => {});
  await next(socket, 'secureConnect');
  const outcome = new Promise((resolve) => {
    socket.once('close', () => resolve('closed'));
    socket.renegotiate({}, (error) => resolve(error === null ? 'renegotiated' : 'refused'));
  });
  expect(await Promise.race([outcome, sleep(300)])).not.toBe('renegotiated');
});

describe('what is no TLS', () => {
  it.each([
    ['HTTP', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['garbage', Buffer.alloc(64, 0xa5)],
  ])('is closed and counted: %s', async (_what, bytes) => {
    const server = await secureServer();
    const socket = await plain(server);
    socket.write(bytes);
    await gone(socket);
    await until(() => server.failures.length > 0, 'the failure');
    expect(server.failures[0]).toMatchObject({ code: 'ERR_QW_TLS_NOT_TLS' });
    expect(server.stats().tls).toMatchObject({ handshakesFailed: 1, failures: { ERR_QW_TLS_NOT_TLS: 1 } });
    await secureCall(server);
  });

  it('is told to a client that finds it', async () => {
    const { createServer } = await import('node:net');
    const other = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.6\r\n'));
    other.listen(0, '127.0.0.1');
    await next(other, 'listening');
    cleanUp(() => other.close());
    const { port } = other.address() as { port: number };
    const { CARRIER } = await import('../support/scene.js');
    const refused = await failure(() => secureCall(`${CARRIER}://127.0.0.1:${port}`));
    expect(refused).toMatchObject({ code: 'ERR_QW_TLS_NOT_TLS' });
  });

  it('is told of once in a second, and then how many others there were', async () => {
    const server = await secureServer();
    const told: number[] = [];
    server.on('tlsClientError', (...failed) => told.push(failed[3]));
    const refused = async (): Promise<void> => {
      const socket = await plain(server);
      socket.write('SSH-2.0-OpenSSH_9.6\r\n');
      await gone(socket);
    };
    await Promise.all(Array.from({ length: 5 }, refused));
    await until(() => server.stats().tls!.failures.ERR_QW_TLS_NOT_TLS === 5, 'all of them to be counted');
    expect(told).toEqual([0]);
    await sleep(1050);
    await refused();
    await until(() => told.length === 2, 'the next event');
    expect(told).toEqual([0, 4]);
  });

  it('has a time limit', async () => {
    // Enough for those who do speak it.
    const server = await secureServer({ handshakeTimeoutMs: 1500 });
    const silent = [await plain(server), await plain(server)];
    await Promise.all(silent.map(gone));
    await until(() => server.stats().tls!.failures.ERR_QW_TLS_TIMEOUT === 2, 'both to be counted');
    await secureCall(server);
  });
});

describe('new certificates', () => {
  it('are for new connections, and drop none', async () => {
    const old = serverCert({ name: 'old' });
    const server = await secureServer(pairOf(old));
    echo(server);
    const clients = await Promise.all(Array.from({ length: 8 }, () => secureCall(server)));
    const counts = clients.map(() => 0);
    let isOver = false;
    clients.forEach((client, at) =>
      client.on('message', (message) => {
        counts[at] += 1;
        if (!isOver) client.send(message);
      }),
    );
    for (const client of clients) client.send('round and round');
    await until(() => counts.every((count) => count > 10), 'traffic');
    server.updateTls(pairOf(serverCert({ name: 'new' })));
    const later = await secureCall(server);
    expect(subjectOf(later)).toBe('CN=new');
    const before = [...counts];
    await until(() => counts.every((count, at) => count > before[at] + 10), 'traffic after it');
    isOver = true;
    expect(clients.every(({ state }) => state === 'open')).toBe(true);
    expect(clients.map(subjectOf)).toEqual(clients.map(() => 'CN=old'));
    expect(server.getConnectionCount()).toBe(9);
    expect(server.stats().tls).toMatchObject({ updates: 1, certificates: [{ subject: 'CN=new' }] });
  });

  it('are refused where they cannot be used, and the old ones stay', async () => {
    const server = await secureServer(pairOf(serverCert({ name: 'old' })));
    const [one, other] = [serverCert(), serverCert()];
    for (const bad of [
      { cert: 'nonsense', key: one.key },
      { cert: one.cert },
      { cert: one.cert, key: other.key },
    ])
      expect(() => server.updateTls(bad)).toThrow(expect.objectContaining({ code: 'ERR_QW_TLS_CONFIG' }));
    expect(() => server.updateTls({ cret: '' } as never)).toThrow('did you mean tls.cert?');
    expect(subjectOf(await secureCall(server))).toBe('CN=old');
  });

  it('are read from files that change', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qwormhole-tls-'));
    const [certPath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const write = ({ cert, key }: { cert: string; key: string }) => {
      writeFileSync(certPath, cert);
      writeFileSync(keyPath, key);
    };
    write(serverCert({ name: 'old' }));
    const server = await secureServer({ certPath, keyPath, watch: true });
    expect(subjectOf(await secureCall(server))).toBe('CN=old');
    write(serverCert({ name: 'new' }));
    await until(() => server.stats().tls!.updates === 1, 'the new one');
    expect(subjectOf(await secureCall(server))).toBe('CN=new');
    writeFileSync(certPath, 'broken');
    await until(() => server.errors.length > 0, 'the complaint');
    expect(server.errors[0]).toMatchObject({ code: 'ERR_QW_TLS_CONFIG' });
    expect(subjectOf(await secureCall(server))).toBe('CN=new');
  });

  it('take whom to trust with them', async () => {
    const server = await secureServer(MUTUAL);
    await secureCall(server, IDENTIFIED);
    server.updateTls({ ca: otherCa.cert });
    const refused: any = await failure(() => secureCall(server, IDENTIFIED));
    expect(refused.code).toMatch(/^ERR_QW_TLS_(CLOSED|ALERT)$/);
    await secureCall(server, { ...TRUSTING, ...pairOf(clientCert({ issuer: otherCa })) });
  });
});
