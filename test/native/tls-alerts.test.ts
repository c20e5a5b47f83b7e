/** What a peer with OpenSSL hears when a verdict that comes behind the handshake goes against it. */
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { QWormholeError } from '../../ts/errors/error.js';
import { parseFingerprint } from '../../ts/tls/fingerprint.js';
import { freePort } from '../support/ports.js';
import { cleanUp } from '../support/scene.js';
import { sleep, until } from '../support/wait.js';
import { authority, call, dialing, callWith, serve, server, stranger } from './tls/scene.js';

afterAll(() => {
  authority.remove();
  stranger.remove();
});

const VERSIONS = ['-tls1_2', '-tls1_3'];
const refuse = async (): Promise<never> => {
  await sleep(20);
  throw new QWormholeError('ERR_QW_TLS_REFUSED');
};
/** access_denied (RFC 8446, section 6.2), in the words of OpenSSL. */
const ALERT = 'SSL alert number 49';

test.each(VERSIONS)('a client: openssl s_client %s', async (version) => {
  const served = await serve({ judge: refuse });
  const args = [
    's_client',
    '-connect',
    `127.0.0.1:${served.listener.port}`,
    '-CAfile',
    authority.path,
    version,
  ];
  const output = await new Promise<string>((resolve) => {
    execFile('openssl', args, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
  expect(output).toContain(ALERT);
  expect(served.errors.map(({ code }) => code)).toEqual(['ERR_QW_TLS_REFUSED']);
});

test.each(VERSIONS)('a server: openssl s_server %s, resumed or not', async (version) => {
  const openssl = await openSslServer(version);
  const tls = dialing({ judge: refuse });
  const served = { listener: { port: openssl.port } } as never;
  for (let round = 1; round <= 2; round += 1) {
    await expect(callWith(served, tls)).rejects.toMatchObject({ code: 'ERR_QW_TLS_REFUSED' });
    await until(() => openssl.output().split(ALERT).length > round, 'the alert');
  }
});

test.each(VERSIONS)('a server that is not pinned hears of it in the handshake: %s', async (version) => {
  const openssl = await openSslServer(version);
  const served = { listener: { port: openssl.port } } as never;
  const pins = [parseFingerprint(`sha256-cert:${'0'.repeat(64)}`)!];
  await expect(call(served, { pins })).rejects.toMatchObject({
    code: 'ERR_QW_TLS_PIN',
    details: { spki: expect.stringMatching(/^[0-9a-f]{64}$/), cert: expect.any(String) },
  });
  await until(() => openssl.output().includes('SSL alert number 46'), 'certificate_unknown');
});

async function openSslServer(version: string) {
  const port = await freePort();
  const [cert, key] = ['cert.der', 'key.der'].map((name) => join(authority.path, '..', name));
  writeFileSync(cert, server.chain[0]);
  writeFileSync(key, server.key);
  const files = ['-cert', cert, '-certform', 'DER', '-key', key, '-keyform', 'DER'];
  const child = spawn('openssl', ['s_server', '-accept', String(port), version, ...files]);
  cleanUp(() => void child.kill());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
  await until(() => output.includes('ACCEPT'), 'openssl');
  return { port, output: () => output };
}
