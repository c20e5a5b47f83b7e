/** What two ends of TLS agree on, and why they do not: each cause with its code on the end that decides. */
import type { ClientTlsOptions } from 'qwormhole';
import { describe, expect, it } from 'vitest';
import { issue } from '../../ts/cli/x509.js';
import { parseFingerprint, fingerprintsOf } from '../../ts/tls/fingerprint.js';
import { ca, clientCert, otherCa, pairOf, serverCert } from '../support/pki.js';
import { CARRIER } from '../support/scene.js';
import { next } from '../support/wait.js';
import { refusal, securePair, TRUSTING, VERSIONS } from './support.js';

const DAY_MS = 24 * 3600 * 1000;
const LONG_AGO = new Date(Date.now() - 100 * DAY_MS);
/** What the end hears that does not decide. */
const TOLD = expect.stringMatching(/^ERR_QW_TLS_(ALERT|CLOSED)$/);
const spki = (der: Buffer) => `sha256/${Buffer.from(fingerprintsOf(der).spki, 'hex').toString('base64')}`;

const client = clientCert();
const server = serverCert();
const MUTUAL = { requestCert: true, ca: ca.cert };
const IDENTIFIED = { ...TRUSTING, ...pairOf(client) };

describe.each(VERSIONS)('%s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  it('authenticates the server', async () => {
    const { client: caller, connection } = await securePair(only);
    expect([caller.carrier, connection.carrier]).toEqual([CARRIER, CARRIER]);
    const { tls } = caller;
    expect(tls).toMatchObject({ protocol: version, authorized: true, alpn: '', isResumed: false });
    expect(tls!.cipher).toMatch(
      version === 'TLSv1.3' ? /^TLS_AES_256_GCM_SHA384$/ : /^TLS_ECDHE_ECDSA_WITH_/,
    );
    expect(tls!.peerCertificate!.subject).toBe('CN=server');
    expect(connection.tls).toMatchObject({ protocol: version, cipher: tls!.cipher, authorized: false });
    expect(connection.tls!.peerCertificate).toBeUndefined();
    const heard = next(connection, 'message');
    caller.send('hello');
    expect(String((await heard)[0])).toBe('hello');
  });

  it('authenticates both', async () => {
    const { connection } = await securePair({ ...only, ...MUTUAL }, IDENTIFIED);
    expect(connection.tls!.authorized).toBe(true);
    expect(connection.tls!.peerCertificate!.raw.equals(client.der)).toBe(true);
  });

  it('gives both ends the same keying material', async () => {
    const { client: caller, connection } = await securePair(only);
    const context = Buffer.from('context');
    const asked: [string, number, Buffer?][] = [
      ['EXPORTER-QWormhole-test', 32],
      ['EXPORTER-QWormhole-test', 64, context],
    ];
    for (const args of asked) {
      const ours = caller.tls!.exportKeyingMaterial(...args);
      expect(ours).toHaveLength(args[1]);
      expect(connection.tls!.exportKeyingMaterial(...args)).toEqual(ours);
    }
    expect(caller.tls!.exportKeyingMaterial('EXPORTER-another', 32)).not.toEqual(
      caller.tls!.exportKeyingMaterial('EXPORTER-QWormhole-test', 32),
    );
    const { tls } = caller;
    await caller.close();
    expect(() => tls!.exportKeyingMaterial('EXPORTER-QWormhole-test', 32)).toThrow(
      expect.objectContaining({ code: 'ERR_QW_CLOSED' }),
    );
  });

  it('gives 8160 bytes of it at most', async () => {
    const { client: caller, connection } = await securePair(only);
    const all = caller.tls!.exportKeyingMaterial('EXPORTER-QWormhole-test', 8160);
    expect(all).toHaveLength(8160);
    expect(connection.tls!.exportKeyingMaterial('EXPORTER-QWormhole-test', 8160)).toEqual(all);
    for (const length of [0, 8161, 1.5, NaN])
      expect(() => caller.tls!.exportKeyingMaterial('EXPORTER-QWormhole-test', length)).toThrow(
        expect.objectContaining({ code: 'ERR_QW_OPTION_INVALID', details: { option: 'length' } }),
      );
  });

  it('agrees on an application protocol', async () => {
    const { client: caller, connection } = await securePair(
      { ...only, alpn: ['b', 'a'] },
      { ...TRUSTING, alpn: ['a', 'c'] },
    );
    expect([caller.tls!.alpn, connection.tls!.alpn]).toEqual(['a', 'a']);
  });

  it.each([
    ['an expired certificate', serverCert({ from: LONG_AGO, days: 30 }), 'ERR_QW_TLS_EXPIRED'],
    ['one for another host', serverCert({ names: ['elsewhere.example'] }), 'ERR_QW_TLS_NAME'],
    ['one of an unknown authority', serverCert({ issuer: otherCa }), 'ERR_QW_TLS_UNTRUSTED'],
    ['one that signed itself', serverCert({ issuer: undefined }), 'ERR_QW_TLS_UNTRUSTED'],
    ['one that is for clients', serverCert({ uses: ['client'] }), 'ERR_QW_TLS_BAD_CERT'],
  ])('refuses a server with %s', async (_what, cert, code) => {
    const told = await refusal({ ...only, ...pairOf(cert) }, TRUSTING);
    expect(told.client).toMatchObject({ code });
    expect(told.server.code).toEqual(TOLD);
  });

  it.each([
    ['no certificate', undefined, 'ERR_QW_TLS_CERT_REQUIRED'],
    ['an expired one', clientCert({ from: LONG_AGO, days: 30 }), 'ERR_QW_TLS_EXPIRED'],
    ['one of an unknown authority', clientCert({ issuer: otherCa }), 'ERR_QW_TLS_UNTRUSTED'],
    ['one that is for servers', clientCert({ uses: ['server'] }), 'ERR_QW_TLS_BAD_CERT'],
  ])('refuses a client with %s', async (_what, cert, code) => {
    const told = await refusal({ ...only, ...MUTUAL }, { ...TRUSTING, ...(cert && pairOf(cert)) });
    expect(told.client.code).toEqual(TOLD);
    expect(told.server).toMatchObject({ code });
    expect(told.connections).toBe(0);
  });

  it('refuses a client without a common application protocol', async () => {
    const told = await refusal({ ...only, alpn: ['a'] }, { ...TRUSTING, alpn: ['b'] });
    expect(told.server).toMatchObject({ code: 'ERR_QW_TLS_ALPN' });
    expect(told.client).toMatchObject({
      code: 'ERR_QW_TLS_ALERT',
      details: { alert: 'no_application_protocol' },
    });
  });

  it('refuses a server that is not pinned, and takes one that is, by key or certificate', async () => {
    const cert = serverCert();
    const { spki: key, cert: whole } = fingerprintsOf(cert.der);
    const pins = [spki(cert.der), `sha256-spki:${key}`, `sha256-cert:${whole}`];
    for (const pin of pins) {
      expect(parseFingerprint(pin)).toBeDefined();
      const { client: caller } = await securePair({ ...only, ...pairOf(cert) }, { ...TRUSTING, pins: [pin] });
      expect(caller.tls!.authorized).toBe(true);
    }
  });

  it.each<[string, ClientTlsOptions, string]>([
    ['that is not pinned', { pins: [spki(serverCert().der)] }, 'ERR_QW_TLS_PIN'],
    ['that is revoked', { revoked: [spki(server.der)] }, 'ERR_QW_TLS_REVOKED'],
    ['that its application refuses', { verify: () => false }, 'ERR_QW_TLS_REFUSED'],
    ['that its application refuses later', { verify: async () => false }, 'ERR_QW_TLS_REFUSED'],
    ['of another name', { servername: 'elsewhere.example' }, 'ERR_QW_TLS_NAME'],
    ['of an unknown authority', { ca: otherCa.cert }, 'ERR_QW_TLS_UNTRUSTED'],
  ])('tells a server %s that the client refuses it', async (_what, tls, code) => {
    const told = await refusal({ ...only, ...pairOf(server) }, { ...TRUSTING, ...tls });
    expect(told.client).toMatchObject({ code });
    expect(told.server.code).toEqual(TOLD);
  });

  it('knows a client that was to show a certificate and has none', async () => {
    const { connection } = await securePair({ ...only, ...MUTUAL, rejectUnauthorized: false });
    expect(connection.tls).toMatchObject({
      authorized: false,
      authorizationError: { code: 'ERR_QW_TLS_CERT_REQUIRED' },
    });
  });

  it('lets a pin alone decide where nothing else is asked', async () => {
    const cert = serverCert({ issuer: undefined });
    const tls = { rejectUnauthorized: false, pins: [spki(cert.der)] };
    const { client: caller } = await securePair({ ...only, ...pairOf(cert) }, tls);
    expect(caller.tls).toMatchObject({
      authorized: false,
      authorizationError: { code: 'ERR_QW_TLS_UNTRUSTED' },
    });
  });

  it('refuses a client that is not pinned or that is revoked', async () => {
    for (const [rules, code] of [
      [{ pins: [spki(clientCert().der)] }, 'ERR_QW_TLS_PIN'],
      [{ revoked: [spki(client.der)] }, 'ERR_QW_TLS_REVOKED'],
    ] as const) {
      const told = await refusal({ ...only, ...MUTUAL, ...rules }, IDENTIFIED);
      expect(told.server).toMatchObject({ code });
      expect(told.client.code).toEqual(TOLD);
      expect(told.connections).toBe(0);
    }
  });

  it('asks the application, whose refusal the client hears of before it is ready', async () => {
    for (const verify of [
      () => false,
      () => {
        throw new Error('no');
      },
    ]) {
      const told = await refusal({ ...only, ...MUTUAL, verify }, IDENTIFIED);
      expect(told.server).toMatchObject({ code: 'ERR_QW_TLS_REFUSED' });
      expect(told.client.code).toEqual(TOLD);
      expect(told.connections).toBe(0);
    }
    const seen: string[] = [];
    const verify = async ({ peerCertificate }: any) => seen.push(peerCertificate.subject) > 0;
    await securePair({ ...only, ...MUTUAL, verify }, IDENTIFIED);
    await securePair(only, { ...TRUSTING, verify });
    expect(seen).toEqual(['CN=client', 'CN=server']);
  });
});

it('waits in TLS 1.3 for a promise of the server before the client is ready', async () => {
  const verify = () => new Promise<boolean>((resolve) => setTimeout(resolve, 150, false));
  const tls = { minVersion: 'TLSv1.3', ...MUTUAL, verify } as const;
  const told = await refusal(tls, IDENTIFIED);
  expect(told.server).toMatchObject({ code: 'ERR_QW_TLS_REFUSED' });
  expect(told.client.code).toEqual(TOLD);
});

it('has no version in common', async () => {
  const told = await refusal({ minVersion: 'TLSv1.3' }, { ...TRUSTING, maxVersion: 'TLSv1.2' });
  expect(told.server).toMatchObject({ code: 'ERR_QW_TLS_INCOMPATIBLE' });
  expect(told.client).toMatchObject({ code: 'ERR_QW_TLS_ALERT', details: { alert: 'protocol_version' } });
});

it('trusts an authority by itself that another one has signed', async () => {
  const middle = issue({ name: 'middle', isAuthority: true, issuer: ca });
  const { client: caller } = await securePair(pairOf(serverCert({ issuer: middle })), { ca: middle.der });
  expect(caller.tls!.authorized).toBe(true);
});
