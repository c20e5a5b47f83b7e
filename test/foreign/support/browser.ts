/** Headless Chromium with one page, which is served here and posts what it found. */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { call, cleanUp } from '../../support/scene.js';
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
  start([address], authority).stderr.resume();
}

/** A page that the test looks into and acts in, as a user would. */
export interface Page {
  /** What an expression gives in the page. */
  evaluate(expression: string): Promise<any>;
}

/** Opens an address as `browse` does, with a hold on the page: Chromium's DevTools, over our own client. */
export async function openPage(address: string): Promise<Page> {
  const lines = createInterface({ input: start(['--remote-debugging-port=0', address]).stderr });
  let devtools: string | undefined;
  for await (const line of lines) {
    devtools = /^DevTools listening on ws:\/\/([^/]+)\//.exec(line)?.[1];
    if (devtools !== undefined) break;
  }
  const pages = (await (await fetch(`http://${devtools}/json/list`)).json()) as any[];
  const { webSocketDebuggerUrl } = pages.find(({ type }) => type === 'page');
  const client = await call(webSocketDebuggerUrl, { protocol: 'raw', codec: 'json', maxMessage: 1 << 24 });
  const answers = new Map<number, (result: any) => void>();
  client.on('message', ({ id, result }: any) => answers.get(id)?.(result));
  return {
    async evaluate(expression) {
      const id = answers.size + 1;
      const answer = new Promise<any>((resolve) => answers.set(id, resolve));
      client.send({ id, method: 'Runtime.evaluate', params: { expression, returnByValue: true } });
      const { result, exceptionDetails } = await answer;
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception.description);
      return result.value;
    },
  };
}

function start(more: readonly string[], authority?: string): ChildProcessByStdio<null, null, Readable> {
  const home = mkdtempSync(join(tmpdir(), 'qwormhole-chromium-'));
  if (authority !== undefined) trust(home, authority);
  const args = [...FLAGS, `--user-data-dir=${join(home, 'profile')}`, ...more];
  // A group of its own, so that the processes it starts end with it.
  const browser = spawn(chromium.path, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    env: { ...process.env, HOME: home },
  });
  const ended = once(browser, 'close').catch(() => {});
  cleanUp(async () => {
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL');
    await ended;
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });
  return browser;
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
