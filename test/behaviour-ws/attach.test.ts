/** WebSockets of an HTTP server that others listen with. */
import { createServer } from 'node:http';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import { createQWormholeServer } from 'qwormhole';
import { expect, it } from 'vitest';
import { exchange, httpServer, statusOf, textOf } from '../support/http.js';
import { call, cleanUp, echo, serve } from '../support/scene.js';
import { failure, next, until } from '../support/wait.js';
import { openingRequest } from '../support/ws-frames.js';

it('takes its path and leaves the rest', async () => {
  const { http, url } = await httpServer();
  const server = await serve({ codec: 'text' });
  echo(server);
  server.attach(http, { path: '/chat' });
  const client = await call(`${url}/chat?x=1`, { codec: 'text', forceTs: true });
  const back = next(client, 'message');
  client.send('hi');
  expect(await back).toEqual(['hi']);
  expect(await textOf(url)).toBe('hello');
  expect(statusOf(await exchange(url, openingRequest('/other')))).toBe(404);
  const [connection] = [...server.connections];
  expect([connection.carrier, connection.path]).toEqual(['ws', '/chat']);
});

it('lives beside other listeners for upgrades', async () => {
  const { http, url } = await httpServer();
  const other = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    if (request.url === '/theirs')
      other.handleUpgrade(request, socket, head, (ws) => ws.send('from the other'));
  });
  const server = await serve();
  server.attach(http, { path: '/ours' });
  server.on('connection', (connection) => connection.send('from us'));
  for (const [path, text] of [
    ['/theirs', 'from the other'],
    ['/ours', 'from us'],
  ])
    expect(
      await next(
        await call(`${url}${path}`, { protocol: 'raw', reconnect: false, forceTs: true }),
        'message',
      ),
    ).toEqual([text]);
});

it('is possible for several servers and paths', async () => {
  const { http, url } = await httpServer();
  const servers = [await serve(), await serve()];
  servers[0].attach(http, { path: '/0' });
  servers[1].attach(http, { path: '/1' });
  for (const i of [0, 1]) await call(`${url}/${i}`, { forceTs: true });
  await until(() => servers.every((server) => server.getConnectionCount() === 1), 'one for each');
  expect(statusOf(await exchange(url, openingRequest('/2')))).toBe(404);
});

it('takes no path twice, until the first has left it', async () => {
  const { http, url } = await httpServer();
  const servers = [await serve(), await serve()];
  const first = servers[0].attach(http, { path: '/chat' });
  for (const server of servers) {
    const error = await failure(() => server.attach(http, { path: '/chat' }));
    expect(error).toMatchObject({ code: 'ERR_QW_OPTION_INVALID', details: { option: 'path' } });
  }
  servers[1].attach((await httpServer()).http, { path: '/chat' });
  first.detach();
  first.detach();
  servers[1].attach(http, { path: '/chat' });
  await call(`${url}/chat`, { forceTs: true });
  await until(() => servers[1].getConnectionCount() === 1, 'the connection');
});

it('needs no endpoint of its own, and ends by detach and by close', async () => {
  const { http, url } = await httpServer();
  const { server } = createQWormholeServer({ endpoints: [] });
  cleanUp(() => server.close());
  expect(await server.listen()).toEqual([]);
  const attachment = server.attach(http);
  const client = await call(url, { reconnect: false, forceTs: true });
  await until(() => server.getConnectionCount() === 1, 'the connection');
  attachment.detach();
  attachment.detach();
  expect(client.state).toBe('open');
  expect(await failure(() => call(url, { reconnect: false, forceTs: true }))).toMatchObject({
    code: expect.stringMatching(/^ERR_QW_/),
  });
  server.attach(http);
  await call(url, { reconnect: false, forceTs: true });
  const closed = next(client, 'close');
  await server.close();
  expect((await closed)[0]).toBe(10);
  expect(http.listening).toBe(true);
  expect(await textOf(url)).toBe('hello');
  expect(await failure(async () => server.attach(http))).toMatchObject({ code: 'ERR_QW_CLOSED' });
});

it.skipIf(process.platform === 'win32')('takes WebSockets of a server on a pipe', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'qwormhole-')), 'pipe');
  const http = createServer().listen(path);
  cleanUp(() => (http.closeAllConnections(), http.close()));
  await next(http, 'listening');
  const server = await serve();
  server.attach(http);
  for (const end of ['close', 'terminate'] as const) {
    const arrived = next(server, 'connection');
    const ws = new WebSocket(`ws+unix:${path}:/`);
    ws.on('error', () => {});
    const closed = next(ws, 'close');
    const [connection] = await arrived;
    expect(connection.remoteAddress).toBe('');
    void connection[end]();
    expect((await closed)[0]).toBe(end === 'close' ? 1000 : 1006);
  }
});

it('reaches the attached and its own with one broadcast', async () => {
  const { http, url } = await httpServer();
  const server = await serve({ codec: 'json' });
  server.attach(http);
  const clients = [await call(server, { codec: 'json' }), await call(url, { codec: 'json', forceTs: true })];
  await until(() => server.getConnectionCount() === 2, 'both');
  const seen = clients.map((client) => next(client, 'message'));
  expect(server.broadcast({ all: true })).toEqual({ accepted: 2, dropped: 0 });
  expect(await Promise.all(seen)).toEqual([[{ all: true }], [{ all: true }]]);
});

it('refuses what is no HTTP server, and paths that are none', async () => {
  const { http } = await httpServer();
  const server = await serve();
  for (const action of [
    () => server.attach({} as never),
    () => server.attach(null as never),
    () => server.attach(http, { path: 'chat' }),
    () => server.attach(http, { path: '/a?b' }),
  ])
    expect(await failure(async () => action())).toMatchObject({ code: 'ERR_QW_OPTION_INVALID' });
});
