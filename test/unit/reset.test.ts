/** Cutting a connection, whatever it is at. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { resetSocket } from '../../ts/link/ts/reset.js';
import { next } from '../support/wait.js';

const server = createServer({ allowHalfOpen: true });
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** Both ends of a connection. */
async function pair(): Promise<[Socket, Socket]> {
  if (!server.listening) await next(server.listen(0, '127.0.0.1'), 'listening');
  const arrived = next(server, 'connection');
  const near = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  const [far] = (await arrived) as [Socket];
  sockets.push(near, far);
  for (const socket of sockets) socket.on('error', () => {});
  if (near.connecting) await next(near, 'connect');
  return [near, far];
}

it.each(['at rest', 'while it ends', 'while it ends behind what is queued', 'once it has ended'])(
  'closes %s, and the peer sees that it was cut',
  async (when) => {
    const [near, far] = await pair();
    far.pause();
    if (when.includes('queued')) near.write(Buffer.alloc(32 * 1024 * 1024));
    if (when !== 'at rest') near.end();
    if (when === 'once it has ended') await next(near, 'finish');
    const closed = next(near, 'close');
    const failed = next(far, 'error');
    // Node forgets a socket that it could not reset, without closing it.
    resetSocket(near);
    await closed;
    // Who has seen the end of the stream reads no more, and hears of it when it writes.
    far.resume().write('x');
    const [error] = await failed;
    expect(error.code).toMatch(/^(ECONNRESET|EPIPE)$/);
  },
);
