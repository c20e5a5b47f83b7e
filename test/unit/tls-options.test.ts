/** The option `tls` before any handshake: environment, fingerprints, rules between options. */
import { expect, test } from 'vitest';
import { parseEndpoint } from '../../ts/endpoint.js';
import { hasPostQuantum } from '../../ts/link/post-quantum.js';
import { resolveClientOptions, resolveServerOptions } from '../../ts/options/resolve.js';
import { honours } from '../../ts/options/support.js';
import { ClientTls } from '../../ts/tls/client-tls.js';
import { withEnvironment } from '../../ts/tls/environment.js';
import { fingerprintsOf, parseFingerprint } from '../../ts/tls/fingerprint.js';
import { ServerTls } from '../../ts/tls/server-tls.js';
import { ca, pairOf, serverCert } from '../support/pki.js';

const server = serverCert();
const endpoints = 'tls://127.0.0.1:9000';
const fault = (action: () => unknown): any => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};

test('endpoints with TLS', () => {
  expect(parseEndpoint('tls://h:1', 'connect')).toMatchObject({ scheme: 'tls', host: 'h', port: 1 });
  expect(parseEndpoint('wss://h/x', 'connect')).toMatchObject({ scheme: 'wss', port: 443, path: '/x' });
  expect(parseEndpoint({ scheme: 'wss', host: 'h' }, 'connect')).toMatchObject({ port: 443, path: '/' });
  expect(fault(() => parseEndpoint('tls://h:1/x', 'connect')).message).toContain('a tls endpoint ends');
  expect(fault(() => parseEndpoint('tls://h', 'connect')).message).toContain('port is missing');
});

test('the environment fills in what is not said', () => {
  const variables = {
    QWORMHOLE_TLS_CERT_PATH: '/c',
    QWORMHOLE_TLS_KEY: 'a\\nb',
    QWORMHOLE_TLS_CA_PATH: '/ca',
    QWORMHOLE_TLS_PASSPHRASE: 'p',
    QWORMHOLE_TLS_REQUEST_CERT: 'TRUE',
    QWORMHOLE_TLS_ALPN: 'a, b',
  };
  const all = { certPath: '/c', key: 'a\nb', caPath: '/ca', passphrase: 'p', alpn: ['a', 'b'] };
  expect(withEnvironment({}, 'server', variables)).toEqual({ ...all, requestCert: true });
  expect(withEnvironment({}, 'client', variables)).toEqual(all);
  const own = { cert: 'C', ca: 'A', alpn: [], requestCert: false };
  expect(withEnvironment(own, 'server', variables)).toEqual({ ...own, passphrase: 'p' });
  expect(withEnvironment({}, 'server', {})).toEqual({});
  for (const bad of [
    { QWORMHOLE_TLS_REQUEST_CERT: 'maybe' },
    { QWORMHOLE_TLS_ALPN: 'a,,b' },
    { QWORMHOLE_TLS_CA: 'x', QWORMHOLE_TLS_CA_PATH: 'y' },
  ])
    expect(fault(() => withEnvironment({}, 'server', bad)).code).toBe('ERR_QW_OPTION_INVALID');
});

test('fingerprints in every spelling', () => {
  const { spki, cert } = fingerprintsOf(server.der);
  const base64 = Buffer.from(spki, 'hex').toString('base64');
  expect(parseFingerprint(`sha256/${base64}`)).toEqual({ of: 'spki', hex: spki });
  expect(parseFingerprint(`sha256-spki:${spki.toUpperCase()}`)).toEqual({ of: 'spki', hex: spki });
  const colons = cert.match(/../g)!.join(':');
  expect(parseFingerprint(`sha256-cert:${colons}`)).toEqual({ of: 'cert', hex: cert });
  for (const bad of ['', spki, 'sha256/abc', `sha1/${base64}`, `sha256-cert:${cert}00`])
    expect(parseFingerprint(bad)).toBeUndefined();
});

test.each([
  ['tls.minVersion', { minVersion: 'SSLv3' }],
  ['tls.maxVersion', { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }],
  ['tls.pins.0', { pins: ['nonsense'] }],
  ['tls.alpn', { alpn: ['a', 'a'] }],
  ['tls.postQuantum', { postQuantum: 'require', maxVersion: 'TLSv1.2' }],
  ['tls.pins', { pins: [`sha256-spki:${'0'.repeat(64)}`] }],
])('%s is refused', (option, tls) => {
  const all = { ...pairOf(server), ...tls } as never;
  const error = fault(() => ServerTls.of(resolveServerOptions({ endpoints, tls: all })));
  expect(error).toMatchObject({ code: 'ERR_QW_OPTION_INVALID', details: { option } });
});

test('options of one end are none of the other', () => {
  const error = fault(() => resolveClientOptions({ endpoints, tls: { requestCert: true } as never }));
  expect(error).toMatchObject({ code: 'ERR_QW_OPTION_UNKNOWN', details: { option: 'tls.requestCert' } });
});

test('names to ask for and to find', () => {
  const settings = (tls: object, host: string) =>
    ClientTls.of(resolveClientOptions({ endpoints, tls: { ca: ca.cert, ...tls } }))!.settingsFor(host);
  const names = (tls: object, host: string) => {
    const { servername, verifyName } = settings(tls, host);
    return [servername, verifyName];
  };
  expect(names({}, 'example.com')).toEqual(['example.com', 'example.com']);
  expect(names({}, '192.0.2.1')).toEqual(['', '192.0.2.1']);
  expect(names({}, '::1')).toEqual(['', '::1']);
  expect(names({ servername: 'other' }, '192.0.2.1')).toEqual(['other', 'other']);
  expect(names({ servername: '' }, 'example.com')).toEqual(['', 'example.com']);
});

test('what quantum computers cannot break is had or refused', () => {
  const settings = resolveClientOptions({ endpoints, tls: { postQuantum: 'require' } });
  expect(honours(settings, 'ts')).toBe(hasPostQuantum());
  expect(honours(settings, 'native')).toBe(true);
  expect(honours(resolveClientOptions({ endpoints, tls: {} }), 'ts')).toBe(true);
});

test('an agent makes no sockets with TLS', () => {
  const agent = { addRequest() {} } as never;
  const error = fault(() => resolveClientOptions({ endpoints: 'wss://h/', agent }));
  expect(error).toMatchObject({ code: 'ERR_QW_OPTION_INVALID', details: { option: 'agent' } });
});
