/** Headless Chromium with one page, which is served here and posts what it found. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { cleanUp } from '../../support/scene.js';
import { peers } from './program.js';
import { certutil, chromium } from './tools.js';

const FLAGS = [
  '--headless',
  // As root, which CI often is, its sandbox refuses to start; it sees this page alone.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Serves the page; `origin` is what the browser will call it. */
export async function pageServer(): Promise<{ origin: string; found: Promise<any> }> {
  let report: (found: unknown) => void;
  const found = new Promise<unknown>((resolve) => (report = resolve));
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      report(await json(request));
      response.end();
    } else {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(readFileSync(join(peers, 'page.html')));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp(() => {
    server.close();
    server.closeAllConnections();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, found };
}

/** Opens an address in a browser of its own, until the test is over. It trusts `authority` (PEM) as its user would. */
export function browse(address: string, authority?: string): void {
  const home = mkdtempSync(join(tmpdir(), 'qwormhole-chromium-'));
  if (authority !== undefined) trust(home, authority);
  const args = [...FLAGS, `--user-data-dir=${join(home, 'profile')}`, address];
  // A group of its own, so that the processes it starts end with it.
  const browser = spawn(chromium.path, args, {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, HOME: home },
  });
  const ended = once(browser, 'close').catch(() => {});
  cleanUp(async () => {
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL');
    await ended;
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });
}

/** Puts an authority where Chromium looks for its user's own on Linux: the NSS database of the home folder. */
function trust(home: string, authority: string): void {
  const folder = join(home, '.pki', 'nssdb');
  mkdirSync(folder, { recursive: true });
  const database = ['-d', `sql:${folder}`];
  execFileSync(certutil.path, ['-N', '--empty-password', ...database]);
  const add = ['-A', '-n', 'development', '-t', 'C,,', ...database];
  execFileSync(certutil.path, add, { input: authority });
}
