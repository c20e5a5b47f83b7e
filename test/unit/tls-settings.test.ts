/** TLS settings over time, and what they do not take: changes that fail, files that change, secrets in errors. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test, vi } from 'vitest';
import { groupsFor, hasPostQuantum } from '../../ts/link/post-quantum.js';
import { resolveServerOptions } from '../../ts/options/resolve.js';
import { ClientTls } from '../../ts/tls/client-tls.js';
import { fingerprintsOf } from '../../ts/tls/fingerprint.js';
import { ServerTls } from '../../ts/tls/server-tls.js';
import { FileWatch, stateOf } from '../../ts/tls/watch.js';
import { ca, otherCa, pairOf, serverCert } from '../support/pki.js';
import { until } from '../support/wait.js';

const server = serverCert();
const accept = () => {};
const fault = (action: () => unknown): any => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};

describe('an update', () => {
  it('keeps everything where a listener does not take it', () => {
    const tls = new ServerTls(pairOf(server));
    const before = tls.settings;
    const change = { ...pairOf(serverCert({ name: 'next' })), alpn: ['qw'] };
    const refused = fault(() => tls.update(change, () => expect.fail('no')));
    expect(refused.message).toBe('no');
    expect(tls.settings).toBe(before);
    tls.update({ alpn: ['other'] }, accept);
    expect(tls.settings).toMatchObject({ alpn: ['other'], identities: before.identities });
  });

  it('keeps what is undefined and takes back what is null', () => {
    const tls = new ServerTls({ ...pairOf(server), ca: ca.cert, requestCert: true, alpn: ['qw'] });
    tls.update({ ca: undefined, alpn: null }, accept);
    expect(tls.settings).toMatchObject({ ca: [ca.der], requestCert: true, alpn: [] });
    const open = fault(() => tls.update({ ca: null }, accept));
    expect(open).toMatchObject({ code: 'ERR_QW_TLS_CONFIG', details: { option: 'tls.requestCert' } });
    tls.update({ ca: null, requestCert: null }, accept);
    expect(tls.settings).toMatchObject({ ca: undefined, requestCert: false });
    expect(fault(() => tls.update({ sertificate: null }, accept)).code).toBe('ERR_QW_OPTION_UNKNOWN');
  });

  it('replaces a value by a path and the other way round, and keeps a passphrase', () => {
    const folder = mkdtempSync(join(tmpdir(), 'qwormhole-tls-'));
    const keyPath = join(folder, 'key.pem');
    const encrypted = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'abc' } as const;
    writeFileSync(keyPath, server.privateKey.export(encrypted));
    const tls = new ServerTls({
      cert: server.cert,
      key: server.privateKey.export(encrypted) as string,
      passphrase: 'abc',
    });
    tls.update({ keyPath }, accept);
    expect(tls.files.paths).toEqual([keyPath]);
    tls.update({ key: server.key }, accept);
    expect(tls.files.paths).toEqual([]);
  });
});

test('requestCert needs somebody to trust', () => {
  const open = fault(() => new ServerTls({ ...pairOf(server), requestCert: true }));
  expect(open).toMatchObject({ code: 'ERR_QW_TLS_CONFIG', details: { option: 'tls.requestCert' } });
  const judged = { ...pairOf(server), requestCert: true, rejectUnauthorized: false };
  expect(new ServerTls(judged).settings.requestCert).toBe(true);
});

test('authorities that are revoked are not trusted', () => {
  const revoked = [`sha256-cert:${fingerprintsOf(otherCa.der).cert}`];
  const tls = new ServerTls({ ...pairOf(server), ca: [ca.cert, otherCa.cert], revoked });
  expect(tls.settings.ca).toEqual([ca.der]);
  const none = fault(() => new ServerTls({ ...pairOf(server), ca: otherCa.cert, revoked }));
  expect(none).toMatchObject({ code: 'ERR_QW_TLS_CONFIG', details: { option: 'tls.ca' } });
});

test.each([
  ['RSA of 1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 }), /it is rsa of 1024 bits/],
  ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), /it is ec of secp256k1/],
  ['Ed448', generateKeyPairSync('ed448'), /it is ed448/],
])('keys that no client takes: %s', (_kind, { privateKey }, why) => {
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const refused = fault(() => new ServerTls({ cert: server.cert, key }));
  expect(refused).toMatchObject({ code: 'ERR_QW_TLS_CONFIG', details: { option: 'tls.key' } });
  expect(refused.message).toMatch(why);
});

test('a bundle that is cut is no bundle', () => {
  const cut = (ca.cert + otherCa.cert).slice(0, ca.cert.length + 200);
  const refused = fault(() => new ServerTls({ ...pairOf(server), ca: cut }));
  expect(refused).toMatchObject({ code: 'ERR_QW_TLS_CONFIG', details: { option: 'tls.ca' } });
  expect(refused.message).toContain('cut or damaged');
});

test('names are sent in ASCII and small letters', () => {
  const sent = (servername: string) => new ClientTls({ servername }).settingsFor('host').servername;
  expect(sent('Bücher.Example')).toBe('xn--bcher-kva.example');
  expect(sent('a.example.')).toBe('a.example');
  expect(sent('192.0.2.1')).toBe('');
  for (const name of ['a b', '*.w.example', '[::1]', 'a\0b', '-a.example'])
    expect(fault(() => new ClientTls({ servername: name }))).toMatchObject({ code: 'ERR_QW_OPTION_INVALID' });
});

test('errors never show what may be a secret', () => {
  const endpoints = 'tls://127.0.0.1:9000';
  for (const tls of [
    server.key,
    { key: [server.key] },
    { identities: [server.key] },
    { identities: [{ ...pairOf(server), passphrase: { text: server.key } }] },
    { verify: server.key },
    { sniCallback: server.key },
  ]) {
    const refused = fault(() => resolveServerOptions({ endpoints, tls } as any));
    expect(refused.code).toBe('ERR_QW_OPTION_INVALID');
    expect(JSON.stringify([refused.message, refused.details])).not.toContain('PRIVATE');
  }
  const updated = fault(() => new ServerTls(pairOf(server)).update(server.key, accept));
  expect(updated.message).toContain('must be an object; what was given is of type string');
});

test('what a callback gives is checked in the words of the options', async () => {
  const sniCallback = () => ({ ...pairOf(server), passphrase: 5 }) as any;
  const { settings } = new ServerTls({ ...pairOf(server), sniCallback });
  const refused: any = await Promise.resolve(settings.identityFor!('a.example')).catch((error) => error);
  expect(refused.message).toContain(
    'Option tls.sniCallback.passphrase must be a string; it is of type number',
  );
});

describe('watching', () => {
  const watched = (paths: string[]) => {
    const reload = vi.fn();
    const watch = new FileWatch(stateOf(paths), { reload, failed: (error) => expect.fail(String(error)) });
    return { reload, watch };
  };

  it('finds what changed before it began', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qwormhole-tls-'));
    const path = join(folder, 'cert.pem');
    writeFileSync(path, 'old');
    const state = stateOf([path]);
    writeFileSync(path, 'new');
    const reload = vi.fn();
    const watch = new FileWatch(state, { reload, failed: () => {} });
    await until(() => reload.mock.calls.length === 1, 'the reload');
    watch.close();
  });

  it('finds a link above the folder that leads elsewhere', async () => {
    vi.useFakeTimers();
    const folder = mkdtempSync(join(tmpdir(), 'qwormhole-tls-'));
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(folder, version, 'live'), { recursive: true });
      writeFileSync(join(folder, version, 'live', 'cert.pem'), version);
    }
    symlinkSync('v1', join(folder, 'current'));
    const { reload, watch } = watched([join(folder, 'current', 'live', 'cert.pem')]);
    symlinkSync('v2', join(folder, 'next'));
    renameSync(join(folder, 'next'), join(folder, 'current'));
    vi.advanceTimersByTime(60_000);
    vi.useRealTimers();
    expect(reload).toHaveBeenCalledTimes(1);
    watch.close();
  });
});

test('key exchanges that are offered', () => {
  expect(groupsFor('off', 'native')).toEqual(['x25519', 'secp256r1', 'secp384r1']);
  expect(groupsFor('prefer', 'native')[0]).toBe('X25519MLKEM768');
  expect(groupsFor('prefer', 'ts').includes('X25519MLKEM768')).toBe(hasPostQuantum());
  expect(groupsFor('require', 'native')).toEqual(['X25519MLKEM768']);
});
