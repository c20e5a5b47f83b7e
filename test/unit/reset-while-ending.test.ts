/**
 * A connection that is cut while the end of its own side is on its way: libuv refuses to reset it then, and its
 * descriptor would stay open for good.
 */
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { resetSocket } from '../../ts/link/ts/reset.js';
import { ca, pairOf, serverCert } from '../support/pki.js';
import { cleanUp } from '../support/scene.js';
import { next, until } from '../support/wait.js';

async function ends(isSecure: boolean) {
  const options = { allowHalfOpen: true };
  const server: Server = isSecure
    ? createTlsServer({ ...options, ...pairOf(serverCert()) })
    : createServer(options);
  server.listen(0, '127.0.0.1');
  await next(server, 'listening');
  cleanUp(() => server.close());
  const arrived = next(server, isSecure ? 'secureConnection' : 'connection');
  const { port } = server.address() as AddressInfo;
  const below = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const ours: Socket = isSecure ? connectTls({ socket: below, ca: ca.cert, servername: 'localhost' }) : below;
  const [theirs] = (await arrived) as [Socket];
  cleanUp(() => theirs.destroy());
  await until(() => !below.connecting, 'the connection');
  return { ours, below, theirs };
}

it.each([
  ['TCP', false],
  ['TLS', true],
])('over %s', async (_, isSecure) => {
  const { ours, below, theirs } = await ends(isSecure);
  const errors: (string | undefined)[] = [];
  for (const socket of new Set([ours, below]))
    socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
  let theirError: Error | undefined;
  theirs.on('error', (error) => (theirError = error)).resume();
  const closed = next(below, 'close');
  ours.end();
  resetSocket(ours);
  await closed;
  // A peer that has seen our end hears of more when it writes.
  const write = setInterval(() => theirs.write('x'), 5);
  cleanUp(() => clearInterval(write));
  await until(() => theirError !== undefined, 'the reset');
  expect(errors).toEqual([]);
});

it('with bytes that are not taken it does not wait for them', async () => {
  const { ours, theirs } = await ends(false);
  theirs.on('error', () => {}).pause();
  const closed = next(ours, 'close');
  ours.write(Buffer.alloc(16 * 1024 * 1024));
  ours.end();
  resetSocket(ours);
  await closed;
});
