/** Servers and clients with TLS, for tests that are about it. The carrier and the backends are the project's. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import {
  createQWormholeClient,
  type ClientTlsOptions,
  type ServerConnection,
  type ServerTlsOptions,
} from 'qwormhole';
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

/**
 * Why neither of both takes the other: what the client says, and what the server says, of a handshake or of a
 * connection that ended before it said anything.
 */
export async function refusal(serverTls: ServerTlsOptions, clientTls: ClientTlsOptions) {
  const server = await secureServer(serverTls);
  let connections = 0;
  server.on('connection', () => (connections += 1));
  const client: any = await failure(() => secureCall(server, clientTls));
  const told = () => server.failures[0] ?? server.errors[0];
  await until(() => told() !== undefined, 'the failure on the server');
  return { client, server: told(), connections };
}

/** What both ends know of a client's first TLS session, and of the next after its connection was lost. */
export async function comeBack(
  server: Awaited<ReturnType<typeof secureServer>>,
  tls: ClientTlsOptions = TRUSTING,
  endpoints = server.addresses[0],
) {
  const { client } = createQWormholeClient<any>({
    endpoints,
    tls,
    reconnect: { baseMs: 1 },
  });
  cleanUp(() => client.close());
  client.on('message', () => {}).on('error', () => {});
  const arrived = next(server, 'connection');
  await client.connect();
  const [connection] = (await arrived) as [ServerConnection<any>];
  const first = { client: client.tls!, server: connection.tls! };
  connection.send('ticket and all');
  await next(client, 'message');
  const back = Promise.all([next(client, 'ready'), next(server, 'connection')]);
  connection.terminate();
  const [, [again]] = await back;
  return [first, { client: client.tls!, server: (again as ServerConnection<any>).tls! }];
}

/** A client of `node:tls`, which believes to be through sooner, and its newest session. */
export function openTls(server: { addresses: readonly string[] }, options: ConnectionOptions) {
  const { port } = new URL(server.addresses[0]);
  const socket = connectTls({ port: Number(port), host: '127.0.0.1', ca: ca.cert, ...options });
  cleanUp(() => socket.destroy());
  const opened: { socket: TLSSocket; session?: Buffer } = { socket };
  socket.on('error', () => {}).on('session', (session) => (opened.session = session));
  return opened;
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
