/** Unix sockets as files: what is bound, who may connect, what is left behind and what is not. */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { connect, listen } from 'qwormhole';
import { expect, it } from 'vitest';
import { call, cleanUp, echo, serve } from '../support/scene.js';
import { socketPath } from '../support/socket-path.js';
import { collect, next, until } from '../support/wait.js';

/** Leaves a socket behind, as a server that is killed does. */
function abandon(path: string): void {
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  expect(() => execFileSync(process.execPath, ['-e', program], { stdio: 'ignore' })).toThrow();
  expect(lstatSync(path).isSocket()).toBe(true);
}

it.each(['qwh', 'length-prefixed', 'raw'] as const)('carries messages of %s both ways', async (protocol) => {
  const server = await serve({ protocol });
  echo(server);
  const client = await call(server, { protocol });
  const back = collect<Buffer>(client, 'message', 1);
  client.send(Buffer.from('through a file'));
  expect(String((await back)[0])).toBe('through a file');
});

it('says what carries the messages, and has no addresses', async () => {
  const path = socketPath();
  const server = await serve({}, `unix://${path}`);
  expect(server.addresses).toEqual([`unix://${path}`]);
  const arrived = next(server, 'connection');
  const client = await call(server);
  const [connection] = (await arrived) as [typeof client];
  for (const { carrier, remoteAddress, remotePort, localAddress, localPort } of [client, connection]) {
    expect({ carrier, remoteAddress, remotePort, localAddress, localPort }).toEqual({
      carrier: 'unix',
      remoteAddress: '',
      remotePort: 0,
      localAddress: '',
      localPort: 0,
    });
  }
});

it('takes the object form, and paths with blanks and signs', async () => {
  const path = socketPath().replace('.sock', ' 100%?#ü.sock');
  const server = await serve({}, { scheme: 'unix', path } as never);
  expect(existsSync(path)).toBe(true);
  // What the server says where it listens can be called.
  await call(server);
});

it('removes its file when it closes', async () => {
  const path = socketPath();
  const server = await serve({}, `unix://${path}`);
  expect(lstatSync(path).isSocket()).toBe(true);
  await server.close();
  expect(existsSync(path)).toBe(false);
});

it('gives the file the permissions that were asked for', async () => {
  const path = socketPath();
  await serve({ socketMode: 0o620 }, `unix://${path}`);
  expect(statSync(path).mode & 0o777).toBe(0o620);
});

it('says that another server listens there', async () => {
  const path = socketPath();
  const server = await serve({}, `unix://${path}`);
  for (const replaceStaleSocket of [false, true]) {
    const second = listen(`unix://${path}`, { replaceStaleSocket });
    await expect(second).rejects.toMatchObject({ code: 'ERR_QW_ADDRESS_IN_USE' });
  }
  await call(server);
});

it('tells a socket that was left behind, and takes its place only if it may', async () => {
  const path = socketPath();
  abandon(path);
  await expect(connect(`unix://${path}`)).rejects.toMatchObject({ code: 'ERR_QW_CONNECT_REFUSED' });
  await expect(listen(`unix://${path}`)).rejects.toMatchObject({
    code: 'ERR_QW_SOCKET_STALE',
    message: expect.stringContaining(path),
  });
  const server = await serve({ replaceStaleSocket: true }, `unix://${path}`);
  await call(server);
});

it('touches no file that is no socket', async () => {
  const path = socketPath();
  writeFileSync(path, 'precious');
  const listening = listen(`unix://${path}`, { replaceStaleSocket: true });
  await expect(listening).rejects.toMatchObject({ code: 'ERR_QW_ADDRESS_IN_USE' });
  expect(existsSync(path)).toBe(true);
});

it('says that nobody listens where there is no file', async () => {
  const path = socketPath();
  await expect(connect(`unix://${path}`)).rejects.toMatchObject({
    code: 'ERR_QW_CONNECT_REFUSED',
    message: expect.stringContaining(path),
  });
});

it('says that the directory is missing', async () => {
  const path = `${socketPath()}/none/chat.sock`;
  await expect(listen(`unix://${path}`)).rejects.toMatchObject({ code: 'ERR_QW_ADDRESS_UNAVAILABLE' });
});

it('comes back to a server that was away', async () => {
  const path = socketPath();
  const first = await serve({}, `unix://${path}`);
  const client = await call(first, { reconnect: { baseMs: 10, capMs: 20 } });
  const gone = next(client, 'disconnect');
  await first.close();
  await gone;
  const back = next(client, 'connect');
  await serve({}, `unix://${path}`);
  await back;
});

it('counts nobody towards the bound of an address, which nobody has', async () => {
  const server = await serve({ maxConnectionsPerAddress: 1 });
  await call(server);
  await call(server);
  await until(() => [...server.connections].length === 2, 'both');
});

it('speaks with plain sockets of Node', async () => {
  const path = socketPath();
  const plain = createServer((socket) => socket.pipe(socket)).listen(path);
  await next(plain, 'listening');
  cleanUp(() => plain.close());
  const client = await call(`unix://${path}`, { protocol: 'raw', codec: 'text' });
  const back = collect<string>(client, 'message', 1);
  client.send('plain');
  expect(await back).toEqual(['plain']);
  await client.close();
});

it('carries WebSocket where an HTTP server listens at a path', async () => {
  const path = socketPath();
  const http = createHttpServer().listen(path);
  await next(http, 'listening');
  const server = await serve({}, []);
  cleanUp(() => http.close());
  server.attach(http, { path: '/chat' });
  const { default: WebSocket } = await import('ws');
  const ws = new WebSocket(`ws+unix:${path}:/chat`);
  echo(server);
  await next(ws, 'open');
  ws.send('over a file');
  const [data] = await next(ws, 'message');
  expect(String(data)).toBe('over a file');
  ws.close();
});
