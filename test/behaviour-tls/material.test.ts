/** The forms that certificates and keys come in. */
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createQWormholeServer } from 'qwormhole';
import { expect, it } from 'vitest';
import { ca, pairOf, serverCert } from '../support/pki.js';
import { ANYWHERE } from '../support/scene.js';
import { issue } from '../../ts/cli/x509.js';
import { secureCall, secureServer } from './support.js';

const server = serverCert();
const key = createPrivateKey(server.key);
const PASSPHRASE = 'correct horse';
const encrypted = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const;

it.each<[string, object]>([
  ['PEM as text', pairOf(server)],
  ['PEM as bytes', { cert: Buffer.from(server.cert), key: Buffer.from(server.key) }],
  ['DER', { cert: server.der, key: key.export({ type: 'pkcs8', format: 'der' }) }],
  ['SEC 1 in DER', { cert: server.der, key: key.export({ type: 'sec1', format: 'der' }) }],
  ['SEC 1 in PEM', { cert: server.cert, key: key.export({ type: 'sec1', format: 'pem' }) }],
  [
    'PEM with a passphrase',
    {
      cert: server.cert,
      key: key.export({ type: 'pkcs8', format: 'pem', ...encrypted }),
      passphrase: PASSPHRASE,
    },
  ],
  [
    'DER with a passphrase',
    {
      cert: server.cert,
      key: key.export({ type: 'pkcs8', format: 'der', ...encrypted }),
      passphrase: PASSPHRASE,
    },
  ],
])('%s', async (_form, tls) => {
  await secureCall(await secureServer(tls));
});

it('a chain with an intermediate authority, in one text or as a list', async () => {
  const middle = issue({ name: 'middle', isAuthority: true, issuer: ca });
  const leaf = serverCert({ issuer: middle });
  expect(leaf.cert.match(/BEGIN/g)).toHaveLength(2);
  await secureCall(await secureServer(pairOf(leaf)));
  await secureCall(await secureServer({ cert: [leaf.der, middle.der], key: leaf.key }));
});

it('files', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qwormhole-tls-'));
  const path = (name: string, text: string) => (writeFileSync(join(folder, name), text), join(folder, name));
  const listening = await secureServer({
    certPath: path('cert', server.cert),
    keyPath: path('key', server.key),
  });
  await secureCall(listening, { caPath: path('ca', ca.cert) });
});

it.each<[string, object, string]>([
  ['no certificate', {}, 'tls.cert is missing'],
  ['no key', { cert: server.cert }, 'without its key'],
  ['a key of another', { cert: server.cert, key: serverCert().key }, 'does not belong'],
  ['a path for PEM', { cert: '/etc/cert.pem', key: server.key }, 'tls.certPath'],
  ['a file that is not there', { certPath: '/nowhere', key: server.key }, 'ENOENT'],
  [
    'no passphrase',
    { cert: server.cert, key: key.export({ type: 'pkcs8', format: 'pem', ...encrypted }) },
    'passphrase',
  ],
  [
    'the wrong passphrase',
    { cert: server.cert, key: key.export({ type: 'pkcs8', format: 'pem', ...encrypted }), passphrase: 'no' },
    'does not open with this passphrase',
  ],
  ['both forms at once', { cert: server.cert, certPath: '/x', key: server.key }, 'excludes tls.certPath'],
])('%s is an error when the server is made', (_what, tls, why) => {
  expect(() => createQWormholeServer({ endpoints: ANYWHERE, tls })).toThrow(
    expect.objectContaining({ code: 'ERR_QW_TLS_CONFIG', message: expect.stringContaining(why) }),
  );
});
