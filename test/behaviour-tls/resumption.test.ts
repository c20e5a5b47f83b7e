/** Sessions that go on: who resumes one is judged like everybody else. */
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createQWormholeClient } from 'qwormhole';
import { describe, expect, it } from 'vitest';
import { issue } from '../../ts/cli/x509.js';
import { fingerprintsOf } from '../../ts/tls/fingerprint.js';
import { ca, clientCert, pairOf, serverCert } from '../support/pki.js';
import { cleanUp } from '../support/scene.js';
import { next, sleep, until } from '../support/wait.js';
import { comeBack, openTls, secureServer, TRUSTING, VERSIONS } from './support.js';

const middle = issue({ name: 'middle', isAuthority: true, issuer: ca });
const REVOKED = [`sha256-cert:${fingerprintsOf(middle.der).cert}`];
const ASKING = { requestCert: true, ca: ca.cert };

describe.each(VERSIONS)('%s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  it('is resumed, unless it is told not to', async () => {
    const server = await secureServer(only);
    const isResumed = async (tls: object) =>
      (await comeBack(server, { ...TRUSTING, ...tls })).map(({ client }) => client.isResumed);
    expect(await isResumed({})).toEqual([false, true]);
    expect(await isResumed({ sessionResumption: false })).toEqual([false, false]);
    expect(server.stats().tls).toMatchObject({ handshakesFailed: 0, failures: {} });
  });

  it('makes nobody authorized who was not: a client without a certificate', async () => {
    const server = await secureServer({ ...only, ...ASKING, rejectUnauthorized: false });
    const sessions = await comeBack(server);
    expect(sessions[1].server.isResumed).toBe(true);
    for (const { server: seen } of sessions)
      expect(seen).toMatchObject({
        authorized: false,
        authorizationError: { code: 'ERR_QW_TLS_CERT_REQUIRED' },
      });
  });

  it('makes nobody authorized who was not: a client of an HTTPS server', async () => {
    const http = createHttps({ ...pairOf(serverCert()), ...only, ...ASKING, rejectUnauthorized: false });
    http.listen(0, '127.0.0.1');
    await next(http, 'listening');
    cleanUp(() => http.close());
    const server = await secureServer();
    server.attach(http, { path: '/' });
    const { port } = http.address() as AddressInfo;
    const sessions = await comeBack(server, TRUSTING, `wss://127.0.0.1:${port}/`);
    expect(sessions.map(({ server: seen }) => [seen.isResumed, seen.authorized])).toEqual([
      [false, false],
      [true, false],
    ]);
  });

  it('makes nobody authorized who was not: a server of another name', async () => {
    const server = await secureServer({ ...only, ...pairOf(serverCert({ names: ['elsewhere.example'] })) });
    const tls = { ...TRUSTING, rejectUnauthorized: false, verify: () => true };
    const sessions = await comeBack(server, tls);
    expect(sessions[1].client.isResumed).toBe(true);
    for (const { client } of sessions)
      expect(client).toMatchObject({ authorized: false, authorizationError: { code: 'ERR_QW_TLS_NAME' } });
  });

  it('keeps the certificates of both ends, which are judged again', async () => {
    const seen: string[] = [];
    const verify = (peer: any) => seen.push(`${peer.peerCertificate.subject} ${peer.isResumed}`) > 0;
    const server = await secureServer({ ...only, ...ASKING, verify });
    const tls = { ...TRUSTING, ...pairOf(clientCert()), verify };
    for (const { client, server: accepted } of await comeBack(server, tls))
      expect([client.authorized, accepted.authorized]).toEqual([true, true]);
    expect(seen.toSorted()).toEqual([
      'CN=client false',
      'CN=client true',
      'CN=server false',
      'CN=server true',
    ]);
  });

  it('is of no use to a server that the client has refused', async () => {
    const server = await secureServer({ ...only, ...pairOf(serverCert({ issuer: middle })) });
    const { client } = createQWormholeClient({
      endpoints: server.addresses[0],
      tls: { ...TRUSTING, revoked: REVOKED },
      reconnect: { baseMs: 1, capMs: 1, initial: true },
    });
    cleanUp(() => client.close());
    const [codes, ready]: [unknown[], string[]] = [[], []];
    client.on('error', () => {}).on('ready', () => void ready.push('ready'));
    client.on('reconnecting', (_attempt, _delay, error) => void codes.push(error?.code));
    client.connect().catch(() => {});
    await until(() => codes.length >= 4, 'some attempts');
    expect(new Set(codes)).toEqual(new Set(['ERR_QW_TLS_REVOKED']));
    expect(ready).toEqual([]);
  });

  it('is of no use to a client that the server has refused', async () => {
    const server = await secureServer({ ...only, ...ASKING, revoked: REVOKED });
    const connections: unknown[] = [];
    server.on('connection', (connection) => connections.push(connection));
    const identity = pairOf(clientCert({ issuer: middle }));
    const first = openTls(server, identity);
    await next(first.socket, 'close');
    expect(first.session).toBeUndefined();
    const again = openTls(server, { ...identity, session: first.session });
    await next(again.socket, 'close');
    await until(() => server.stats().tls!.failures.ERR_QW_TLS_REVOKED === 2, 'both to be counted');
    await sleep(50);
    expect(connections).toEqual([]);
  });
});
