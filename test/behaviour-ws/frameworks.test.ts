/** Servers on the port of Node's `http`, of Express and of Fastify: one port, and one end. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { withQWormhole } from 'qwormhole/express';
import { qwormhole } from 'qwormhole/fastify';
import { attachQWormhole } from 'qwormhole/http';
import type { QWormholeServer } from 'qwormhole';
import { expect, it } from 'vitest';
import { textOf } from '../support/http.js';
import { call, cleanUp, echo } from '../support/scene.js';
import { next, until } from '../support/wait.js';

async function urlOf(http: Server): Promise<string> {
  if (!http.listening) {
    http.listen(0, '127.0.0.1');
    await next(http, 'listening');
  }
  cleanUp(() => http.closeAllConnections());
  return `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

async function speaks(url: string): Promise<void> {
  const client = await call(url, { codec: 'json', forceTs: true, reconnect: false });
  const back = next(client, 'message');
  client.send({ on: 'one port' });
  expect(await back).toEqual([{ on: 'one port' }]);
}

it('attaches to an HTTP server of Node, which ends both', async () => {
  const http = createServer((_request, response) => response.end('hello'));
  const server = attachQWormhole(http, { path: '/live', codec: 'json', close: { gracefulMs: 100 } });
  echo(server);
  const url = await urlOf(http);
  await speaks(`${url}/live`);
  expect(await textOf(url)).toBe('hello');
  const [ours, theirs] = [next(server, 'close'), next(http, 'close')];
  http.close();
  http.closeIdleConnections();
  await Promise.all([ours, theirs]);
});

it('leaves the HTTP server as it was when it ends alone', async () => {
  const http = createServer((_request, response) => response.end('hello'));
  const { close } = http;
  const server = attachQWormhole(http);
  expect(http.close).not.toBe(close);
  await server.close();
  expect(http.close).toBe(close);
  expect(await textOf(await urlOf(http))).toBe('hello');
});

it('refuses a path that is taken, and leaves nothing behind', async () => {
  const http = createServer();
  const { close } = http;
  const server = attachQWormhole(http, { path: '/live' });
  expect(() => attachQWormhole(http, { path: '/live' })).toThrow('taken already');
  await server.close();
  expect(http.close).toBe(close);
});

it('serves an Express application beside it', async () => {
  const app = express();
  app.get('/', (_request, response) => void response.send('express'));
  const { http, server } = withQWormhole(app, { path: '/live', codec: 'json' });
  echo(server);
  const url = await urlOf(http);
  await speaks(`${url}/live`);
  expect(await textOf(url)).toBe('express');
  await server.close();
});

it('is a plugin of Fastify, which ends it', async () => {
  const app = fastify();
  app.get('/', () => 'fastify');
  await app.register(qwormhole, { path: '/live', codec: 'json', setUp: echo });
  const { qwormhole: server } = app as unknown as { qwormhole: QWormholeServer<'json'> };
  await app.listen({ port: 0, host: '127.0.0.1' });
  const url = await urlOf(app.server);
  await speaks(`${url}/live`);
  expect(await textOf(url)).toBe('fastify');
  const closed = next(server, 'close');
  await app.close();
  await closed;
  await until(() => server.getConnectionCount() === 0, 'the end of its connections');
});
