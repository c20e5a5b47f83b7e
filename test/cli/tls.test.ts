/** Certificates made and used on the command line. */
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Cli, run, until } from './cli.js';

const TS = ['--backend', 'ts'];

async function certificates(): Promise<{ ca: string; server: string[]; client: string[]; pin: string }> {
  const out = mkdtempSync(join(tmpdir(), 'qwormhole-cert-'));
  const { code, stdout } = await run(['cert', '--out', out, '--json']);
  expect(code).toBe(0);
  const { cert, key, ca, pin } = JSON.parse(stdout);
  expect((await run(['cert', '--out', out, '--client', 'alice'])).code).toBe(0);
  if (process.platform !== 'win32') expect(statSync(key).mode & 0o777).toBe(0o600);
  const file = (name: string) => join(out, name);
  const client = ['--cert', file('alice.crt'), '--key', file('alice.key')];
  return { ca, server: ['--cert', cert, '--key', key], client, pin };
}

async function listening(scheme: string, ...options: string[]): Promise<string> {
  const cli = new Cli(['listen', `${scheme}://127.0.0.1:0`, ...TS, '--json', '--echo', ...options]);
  await until(() => cli.stdout.includes('\n'), cli);
  return JSON.parse(cli.stdout.split('\n', 1)[0]).listening[0];
}

const talk = (url: string, ...options: string[]) =>
  run(['connect', url, ...TS, '--wait', '1000', '--no-reconnect', ...options], { input: 'hello\n' });

test.each(['tls', 'wss'])('an echo over %s, and a measurement', async (scheme) => {
  const { ca, server } = await certificates();
  const url = await listening(scheme, ...server);
  expect(await talk(url, '--ca', ca)).toMatchObject({ code: 0, stdout: 'hello\n' });
  const bench = await run([
    'bench',
    url,
    ...TS,
    '--ca',
    ca,
    '--duration',
    '1000ms',
    '--warmup',
    '0',
    '--json',
  ]);
  expect(JSON.parse(bench.stdout)).toMatchObject({ errors: 0 });
});

test('clients that show who they are', async () => {
  const { ca, server, client } = await certificates();
  const url = await listening('tls', ...server, '--ca', ca, '--request-cert', '--alpn', 'one');
  expect(await talk(url, '--ca', ca, ...client, '--alpn', 'one')).toMatchObject({ stdout: 'hello\n' });
  const { code, stderr } = await talk(url, '--ca', ca);
  expect(code).toBe(1);
  expect(stderr).toContain('ERR_QW_TLS_ALERT');
});

test('whom to trust', async () => {
  const { server, pin } = await certificates();
  const url = await listening('tls', ...server);
  expect((await talk(url)).stderr).toContain('ERR_QW_TLS_UNTRUSTED');
  const insecure = await talk(url, '--insecure');
  expect(insecure).toMatchObject({ code: 0, stdout: 'hello\n' });
  expect(insecure.stderr).toContain('is not verified: tls.rejectUnauthorized is false');
  const pinned = await talk(url, '--insecure', '--pin', pin);
  expect(pinned).toMatchObject({
    code: 0,
    stdout: 'hello\n',
    stderr: expect.not.stringContaining('warning'),
  });
  expect((await talk(url, '--insecure', '--pin', `sha256/${'A'.repeat(43)}=`)).stderr).toContain(
    'ERR_QW_TLS_PIN',
  );
});

test('mistakes', async () => {
  expect((await run(['cert', '--client'])).code).toBe(2);
  expect((await run(['cert', '../x'])).stderr).toContain('is not a name');
  expect((await run(['connect', 'tls://127.0.0.1:1', ...TS, '--pin', 'abc'])).stderr).toContain(
    '--pin takes',
  );
  expect((await run(['listen', 'tls://127.0.0.1:0', ...TS])).stderr).toContain('ERR_QW_TLS_CONFIG');
});
