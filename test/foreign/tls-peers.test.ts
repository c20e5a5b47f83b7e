/** TLS with OpenSSL's own programs and with Python's `ssl`: clients of our server, and a server for our client. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ca, clientCert, pairOf, serverCert } from '../support/pki.js';
import { call, cleanUp, echo, serve } from '../support/scene.js';
import { failure, next, sleep, until } from '../support/wait.js';
import { describeWith, type Tool } from './support/tools.js';

const installed = (path: string, args: string[]): Tool =>
  spawnSync(path, args).status === 0 ? { path } : { path: '', missing: `${path} is not installed` };
const openssl = installed('openssl', ['version']);
const python = installed('python3', ['-c', 'import ssl']);

const folder = mkdtempSync(join(tmpdir(), 'qwormhole-foreign-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const [server, client] = [serverCert(), clientCert()];
const files = {
  ca: file('ca.pem', ca.cert),
  cert: file('server.pem', server.cert),
  key: file('server.key', server.key),
  clientCert: file('client.pem', client.cert),
  clientKey: file('client.key', client.key),
};

/** Runs a program with this input until its output has the text. */
function talk(command: string, args: readonly string[], input: string, text: string): Promise<string> {
  const child = spawn(command, args);
  cleanUp(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  child.stdin.write(input);
  return until(() => said.includes(text), `${JSON.stringify(text)} of ${command}`).then(
    () => said,
    () => Promise.reject(new Error(said)),
  );
}

async function echoServer(tls: object = {}) {
  const listening = await serve({ protocol: 'raw', tls: { ...pairOf(server), ...tls } }, 'tls://127.0.0.1:0');
  echo(listening);
  return { listening, port: new URL(listening.addresses[0]).port };
}

const PYTHON = `
import socket, ssl, sys
port, ca, cert, key, version = sys.argv[1:6]
context = ssl.create_default_context(cafile=ca)
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
context.set_alpn_protocols(['qw'])
if cert: context.load_cert_chain(cert, key)
with socket.create_connection(('127.0.0.1', int(port))) as plain:
    with context.wrap_socket(plain, server_hostname='localhost') as secured:
        secured.sendall(b'x' * 100000)
        got = 0
        while got < 100000: got += len(secured.recv(65536))
        print(secured.version(), secured.cipher()[0], secured.selected_alpn_protocol(), got, flush=True)
`;

describeWith(openssl, 'openssl', () => {
  it.each(['-tls1_2', '-tls1_3'])('s_client %s', async (version) => {
    const { port } = await echoServer({ requestCert: true, ca: ca.cert, alpn: ['qw'] });
    const args = [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      'localhost',
      '-CAfile',
      files.ca,
    ];
    args.push(
      '-cert',
      files.clientCert,
      '-key',
      files.clientKey,
      '-alpn',
      'qw',
      '-verify_return_error',
      version,
    );
    const said = await talk(openssl.path, args, 'hello there\n', 'hello there');
    expect(said).toContain('Verify return code: 0 (ok)');
    expect(said).toContain('ALPN protocol: qw');
  });

  it('s_client finds nothing below TLS 1.2', async () => {
    const { listening, port } = await echoServer();
    const failures: string[] = [];
    listening.on('tlsClientError', ({ code }) => failures.push(code));
    const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'];
    const said = await talk(openssl.path, args, '', 'alert protocol version');
    expect(said).toContain('alert protocol version');
    // Its peer may know before its own JavaScript does.
    await expect.poll(() => failures).toEqual(['ERR_QW_TLS_INCOMPATIBLE']);
  });

  it.each(['-tls1_2', '-tls1_3'])('s_server %s', async (version) => {
    const probe = createServer().listen(0, '127.0.0.1');
    await next(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    const args = [
      's_server',
      '-accept',
      `127.0.0.1:${port}`,
      '-cert',
      files.cert,
      '-key',
      files.key,
      version,
    ];
    const child = spawn(openssl.path, [...args, '-rev', '-quiet', '-Verify', '1', '-CAfile', files.ca]);
    cleanUp(() => child.kill('SIGKILL'));
    const tls = { ca: ca.cert, ...pairOf(client) };
    const url = `tls://127.0.0.1:${port}`;
    const options = { protocol: 'raw', reconnect: false, tls } as const;
    let caller: any;
    for (let tries = 0; caller === undefined && tries < 100; tries += 1) {
      caller = await call(url, options).catch(() => sleep(50).then(() => undefined));
    }
    const answer = next(caller, 'message');
    caller.send('abc\n');
    expect(String((await answer)[0])).toBe('cba\n');
    await caller.close();
    const refused: any = await failure(() => call(url, { ...options, tls: { ca: ca.cert } }));
    expect(refused).toMatchObject({ code: 'ERR_QW_TLS_ALERT' });
  });
});

describeWith(python, "Python's ssl", () => {
  it.each([
    ['TLSv1_2', true],
    ['TLSv1_3', true],
    ['TLSv1_3', false],
  ])('%s, with a certificate: %s', async (version, hasCert) => {
    const { port } = await echoServer({ ...(hasCert && { requestCert: true, ca: ca.cert }), alpn: ['qw'] });
    const own = hasCert ? [files.clientCert, files.clientKey] : ['', ''];
    const args = ['-c', PYTHON, port, files.ca, ...own, version];
    const said = await talk(python.path, args, '', '100000');
    expect(said).toMatch(new RegExp(`^${version.replace('_', '.')} \\S+ qw 100000`));
  });
});
