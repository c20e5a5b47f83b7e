/** Servers and clients with TLS, for tests that are about it. The carrier and the backends are the project's. */
import { connect as connectTcp, type Socket } from 'node:net';
import type { ClientTlsOptions, ServerTlsOptions, ServerConnection } from 'qwormhole';
import { ca, pairOf, serverCert } from '../support/pki.js';
import { ANYWHERE, call, cleanUp, serve } from '../support/scene.js';
import { failure, next, until } from '../support/wait.js';

/** Nothing of the environment that other tests have: here it is all said. */
for (const name of ['CERT', 'KEY', 'CA']) delete process.env[`QWORMHOLE_TLS_${name}`];

export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export const TRUSTING: ClientTlsOptions = { ca: ca.cert };

/** A server with a certificate for this machine, and what its failed handshakes were. */
export async function secureServer(tls: ServerTlsOptions = {}, options: object = {}) {
  const hasOwn = 'cert' in tls || 'certPath' in tls || 'identities' in tls;
  const server = await serve(
    { tls: { ...(hasOwn ? {} : pairOf(serverCert())), ...tls }, ...options },
    ANYWHERE,
  );
  const failures: any[] = [];
  server.on('tlsClientError', (error) => failures.push(error));
  return Object.assign(server, { failures });
}

/** A client that tries once. */
export function secureCall(
  server: { addresses: readonly string[] } | string,
  tls: ClientTlsOptions = TRUSTING,
) {
  return call(server, { tls, reconnect: false });
}

/** Both ends of one connection. */
export async function securePair(server: ServerTlsOptions = {}, client: ClientTlsOptions = TRUSTING) {
  const listening = await secureServer(server);
  const arrived = next(listening, 'connection');
  const calling = await secureCall(listening, client);
  const [connection] = (await arrived) as [ServerConnection<any>];
  return { server: listening, client: calling, connection };
}

/** Why neither of both takes the other: the client's error, and the server's if it saw one. */
export async function refusal(serverTls: ServerTlsOptions, clientTls: ClientTlsOptions) {
  const server = await secureServer(serverTls);
  let [connections, ends] = [0, 0];
  server.on('connection', () => (connections += 1));
  server.on('clientClosed', () => (ends += 1));
  const client: any = await failure(() => secureCall(server, clientTls));
  const isKnown = () => server.failures.length > 0 || ends > 0;
  // Where the client decides, the handshake may be over for the server.
  if (/ALERT|CLOSED/.test(client.code)) await until(isKnown, 'the failure on the server');
  else await until(isKnown, '', 300).catch(() => {});
  return { client, server: server.failures[0], connections };
}

/** A TCP connection to the port of a server, which says what it wants. */
export async function plain(server: { addresses: readonly string[] }): Promise<Socket> {
  const { port } = new URL(server.addresses[0]);
  const socket = connectTcp(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  cleanUp(() => socket.destroy());
  // A reset that comes at once takes the place of the connection.
  await Promise.race([next(socket, 'connect'), next(socket, 'close')]);
  return socket;
}

/** That it is closed or reset. */
export async function gone(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.destroyed) await Promise.race([next(socket, 'close'), next(socket, 'end')]);
}
