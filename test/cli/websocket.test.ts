/** WebSocket endpoints on the command line. The native backend does not have them. */
import { WebSocket, WebSocketServer } from 'ws';
import { afterEach, expect, test } from 'vitest';
import { Cli, run, until } from './cli.js';

const ANYWHERE = 'ws://127.0.0.1:0/chat';
const TS = ['--backend', 'ts'];
const cleanups: (() => unknown)[] = [];
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()));

async function listening(...options: string[]): Promise<string> {
  const cli = new Cli(['listen', ANYWHERE, ...TS, '--json', ...options]);
  await until(() => cli.stdout.includes('\n'), cli);
  return JSON.parse(cli.stdout.split('\n', 1)[0]).listening[0];
}

test('lines come back from an echo', async () => {
  const url = await listening('--echo', '--deflate', '--subprotocol', 'a', '--subprotocol', 'b');
  expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/chat$/);
  const { code, stdout } = await run(
    [
      'connect',
      `${url}?x=1`,
      ...TS,
      '--protocol',
      'raw',
      '--wait',
      '1000',
      '--deflate',
      '--subprotocol',
      'b',
    ],
    { input: `one\nGrüße\n${'long '.repeat(1000)}\n` },
  );
  expect(stdout).toBe(`one\nGrüße\n${'long '.repeat(1000)}\n`);
  expect(code).toBe(0);
});

test('headers and text go to a foreign server', async () => {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  cleanups.push(() => wss.close());
  const seen: unknown[] = [];
  wss.on('connection', (ws, request) => {
    seen.push(request.headers['x-one'], request.headers['x-two']);
    ws.on('message', (data, isBinary) => seen.push(String(data), isBinary));
  });
  await until(() => wss.address() !== null);
  const url = `ws://127.0.0.1:${(wss.address() as { port: number }).port}`;
  const headers = ['--header', 'X-One: 1', '--header', 'X-Two:2'];
  const { code } = await run(['connect', url, ...TS, '--protocol', 'raw', '--wait', '100', ...headers], {
    input: 'hello\n',
  });
  expect(code).toBe(0);
  expect(seen).toEqual(['1', '2', 'hello', false]);
});

test('pages of a listed origin may connect', async () => {
  const url = await listening('--broadcast', '--origin', 'https://example.com');
  for (const [origin, isAllowed] of [
    ['https://example.com', true],
    ['https://example.org', false],
  ] as const) {
    const ws = new WebSocket(url, { origin });
    cleanups.push(() => ws.terminate());
    const outcome = new Promise((resolve) =>
      ws.on('open', () => resolve(true)).on('error', () => resolve(false)),
    );
    expect(await outcome).toBe(isAllowed);
  }
});

test('an echo is measured', async () => {
  const url = await listening('--echo');
  const { code, stdout } = await run([
    'bench',
    url,
    ...TS,
    '--duration',
    '1000ms',
    '--warmup',
    '50ms',
    '--json',
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ errors: 0, mode: 'ts' });
});

test('a header that is none is a mistake', async () => {
  const { code, stderr } = await run(['connect', 'ws://127.0.0.1:1/', ...TS, '--header', 'nonsense']);
  expect(code).toBe(2);
  expect(stderr).toContain('--header');
});
