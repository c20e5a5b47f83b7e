/** Connections of an HTTP server on the native backend: when it breaks, and when it is not wanted. */
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { createQWormholeServer } from 'qwormhole';
import { injectNativeFailure } from 'qwormhole/internal';
import { expect, test } from 'vitest';
import { httpServer } from '../support/http.js';
import { cleanUp } from '../support/scene.js';
import { next } from '../support/wait.js';

const CAN_ADOPT = ['linux', 'darwin'].includes(process.platform);

async function attached(options: object = {}) {
  const { http, url } = await httpServer();
  const { server } = createQWormholeServer({ endpoints: [], codec: 'text', ...options });
  server.on('error', () => {});
  server.on('message', (message, connection) => connection.send(`${connection.mode}: ${message}`));
  cleanUp(() => server.close());
  server.attach(http);
  return { server, url };
}

async function connected(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  socket.on('error', () => {});
  cleanUp(() => socket.terminate());
  await next(socket, 'open');
  return socket;
}

async function answerOf(socket: WebSocket): Promise<string> {
  const answer = next(socket, 'message');
  socket.send('hello');
  return String((await answer)[0]);
}

test.runIf(CAN_ADOPT)(
  'a backend that breaks ends them, and those who come afterwards stay with Node',
  async () => {
    const { server, url } = await attached({ onNativeFailure: 'migrate' });
    const before = await connected(url);
    expect(await answerOf(before)).toBe('native: hello');
    const [closed, failed] = [next(before, 'close'), new Promise((resolve) => server.once('error', resolve))];
    injectNativeFailure();
    expect(await failed).toMatchObject({ code: 'ERR_QW_NATIVE_FAILED' });
    expect((await closed)[0]).toBe(1006);
    expect(await answerOf(await connected(url))).toBe('ts: hello');
    expect(server.mode).toBe('ts');
  },
);

test.runIf(CAN_ADOPT)('they are spread over the I/O threads', async () => {
  const { server, url } = await attached({ ioThreads: 2 });
  const sockets = await Promise.all([url, url, url, url].map(connected));
  expect(await Promise.all(sockets.map(answerOf))).toEqual(Array(4).fill('native: hello'));
  expect(server.broadcast('all')).toEqual({ accepted: 4, dropped: 0 });
});

test.each([{ forceTs: true }, { preferNative: false }])('%j leaves them with Node', async (options) => {
  const { url } = await attached(options);
  expect(await answerOf(await connected(url))).toBe('ts: hello');
});

test('a worker of a cluster leaves them with Node', async () => {
  cluster.setupPrimary({ exec: fileURLToPath(new URL('../support/attached-worker.mjs', import.meta.url)) });
  const worker = cluster.fork();
  cleanUp(() => worker.kill('SIGKILL'));
  const [{ port }] = (await next(worker, 'message')) as [{ port: number }];
  const said = next(worker, 'message');
  await connected(`ws://127.0.0.1:${port}`);
  expect((await said)[0]).toEqual({ mode: 'ts', own: 'native' });
});
