/** The package `ws` as the other end. */
import { WebSocket, WebSocketServer } from 'ws';
import { expect, it } from 'vitest';
import { call, cleanUp, echo, serve } from '../support/scene.js';
import { collect, next, until } from '../support/wait.js';

it.each([{}, { deflate: true }])('is a client of ours with %j', async (options) => {
  const server = await serve({ ...options, subprotocols: ['chat'] }, 'ws://127.0.0.1:0/');
  echo(server);
  const ws = new WebSocket(server.addresses[0], ['chat']);
  cleanUp(() => ws.terminate());
  await next(ws, 'open');
  expect(ws.protocol).toBe('chat');
  expect(ws.extensions).toBe('deflate' in options ? 'permessage-deflate' : '');
  const seen: [string, boolean][] = [];
  ws.on('message', (data: Buffer, isBinary) => seen.push([data.toString(), isBinary]));
  ws.send('text');
  ws.send(Buffer.from('binary'));
  ws.send('in ', { fin: false });
  ws.send('parts', { fin: true });
  ws.send('x'.repeat(100_000));
  await until(() => seen.length === 4, 'the echoes');
  expect(seen).toEqual([
    ['text', false],
    ['binary', true],
    ['in parts', false],
    ['x'.repeat(100_000), false],
  ]);
  const pong = next(ws, 'pong');
  ws.ping('you?');
  expect(String((await pong)[0])).toBe('you?');
  const closed = next(server, 'clientClosed');
  ws.close(4002, 'enough');
  expect((await closed).slice(1)).toEqual([4002, 'enough', true]);
  await until(() => ws.readyState === ws.CLOSED, 'its end');
});

it.each([{}, { deflate: true }])('is a server for ours with %j', async (options) => {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  cleanUp(() => wss.close());
  await next(wss, 'listening');
  wss.on('connection', (ws) => {
    ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
    ws.on('close', (code, reason) => closes.push([code, String(reason)]));
  });
  const closes: unknown[] = [];
  const client = await call(`ws://127.0.0.1:${(wss.address() as { port: number }).port}/any?q`, {
    ...options,
    reconnect: false,
  });
  const sent = ['text', Buffer.from('binary'), 'y'.repeat(100_000)];
  const back = collect(client, 'message', sent.length);
  for (const message of sent) client.send(message);
  expect(await back).toEqual(sent);
  await client.close(4002, 'enough');
  await until(() => closes.length === 1, 'the end there');
  expect(closes).toEqual([[4002, 'enough']]);
});

it('is told of the close of our server', async () => {
  const server = await serve({}, 'ws://127.0.0.1:0/');
  const ws = new WebSocket(server.addresses[0]);
  await next(ws, 'open');
  const closed = next(ws, 'close');
  await server.close();
  const [code, reason] = await closed;
  expect([code, String(reason)]).toEqual([1012, 'the server is going away']);
});
