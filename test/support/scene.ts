/** Servers, clients and raw peers of one test, all of them gone when it ends. */
import { connect, listen, type ConnectOptions, type Connection, type ListenOptions } from 'qwormhole';
import { afterEach, it } from 'vitest';
import { useTestCertificates } from './environment.js';
import { RawPeer, RawServer } from './raw-peer.js';
import { freePort } from './ports.js';
import { socketPath } from './socket-path.js';
import { next, sleep } from './wait.js';

/** What carries the messages of the suite. */
export const CARRIER = (process.env.QWORMHOLE_TEST_CARRIER ?? 'tcp') as 'tcp' | 'tls' | 'ws' | 'wss' | 'unix';
/** A stream of bytes, without frames below the protocol. */
export const IS_TCP = CARRIER === 'tcp' || CARRIER === 'tls' || CARRIER === 'unix';
export const IS_SECURE = CARRIER === 'tls' || CARRIER === 'wss';
if (IS_SECURE) useTestCertificates();

/**
 * The wire protocol of servers and clients that are not told another: the default, or the one without handshake
 * and records (on WebSocket: raw). Raw peers speak their own.
 */
const PROTOCOL = process.env.QWORMHOLE_TEST_PROTOCOL as 'length-prefixed' | undefined;
export const IS_QWH = PROTOCOL === undefined;
/** Close codes and reasons are on the wire. */
export const TELLS_CODES = !IS_TCP || IS_QWH;
export const SPEAKING = IS_QWH ? {} : { protocol: PROTOCOL };

/** For tests of what only TCP has: its own framing, ends of one side, chunks. WebSocket has tests of its own. */
export const onTcp = IS_TCP ? it : it.skip;

/** For tests of what a Unix socket does not have: addresses, and an end that is a reset. */
export const onNetwork = CARRIER === 'unix' ? it.skip : it;

export const ANYWHERE = anywhere();

/** An endpoint that nobody has yet. */
function anywhere(): string {
  if (CARRIER === 'unix') return `unix://${socketPath()}`;
  return `${CARRIER}://127.0.0.1:0${IS_TCP ? '' : '/'}`;
}

/** Like `ANYWHERE`, at a port that can be had again after it was given back. */
export async function somewhere(): Promise<string> {
  if (CARRIER === 'unix') return anywhere();
  return ANYWHERE.replace(':0', `:${await freePort()}`);
}

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.allSettled(
    cleanups
      .splice(0)
      .toReversed()
      .map((cleanup) => cleanup()),
  );
});

/** Has something undone at the end of the test. */
export function cleanUp(action: () => unknown): void {
  cleanups.push(action);
}

type Options = ListenOptions<any>;

/** A listening server; errors have a listener, so that nothing is warned about. */
export async function serve(options: Options = {}, endpoints: string | string[] = anywhere()) {
  const server = await listen<any>(endpoints, { ...SPEAKING, ...options });
  const errors: any[] = [];
  server.on('error', (error) => errors.push(error));
  cleanUp(() => server.close());
  return Object.assign(server, { errors });
}

/** A connected client of a server or address. */
export async function call(
  target: { addresses: readonly string[] } | string,
  options: ConnectOptions<any> = {},
) {
  const address = typeof target === 'string' ? target : target.addresses[0];
  const client = await connect<any>(address, { ...SPEAKING, ...options });
  const errors: any[] = [];
  client.on('error', (error) => errors.push(error));
  cleanUp(() => client.close());
  return Object.assign(client, { errors });
}

/** A server, one client, and the server's end of the connection. */
export async function pair(options: Options = {}, clientOptions: ConnectOptions<any> = {}) {
  const server = await serve(options);
  const arrived = next(server, 'connection');
  const codec = options.codec === undefined ? {} : { codec: options.codec };
  const client = await call(server, { ...codec, ...clientOptions });
  const [connection] = (await arrived) as [Connection<any>];
  return { server, client, connection };
}

/** A server, one raw peer, and the server's end of the connection. */
export async function rawPair(options: Options = {}, endpoint = anywhere()) {
  // Peers that say nothing at first: their protocol is not to be told by that.
  const server = await serve({ protocol: 'length-prefixed', ...options }, endpoint);
  const arrived = next(server, 'connection');
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  const [connection] = (await arrived) as [Connection<any>];
  return { server, peer, connection };
}

/** A raw server and a client of ours. */
export async function rawServed(options: ConnectOptions<any> = {}) {
  const raw = await RawServer.listen();
  cleanUp(() => raw.close());
  const client = await call(raw.url, { protocol: 'length-prefixed', ...options });
  return { raw, client, peer: await raw.peer() };
}

/** An echo on every connection. */
export function echo(server: {
  on(event: 'message', listener: (message: any, from: any) => void): unknown;
}): void {
  server.on('message', (message, connection) => void connection.send(message));
}

/** How long the kernel may take nothing before it counts as full, ms. */
const FULL_AFTER_MS = 100;
/** No turn of the event loop counts for more: in a longer one the I/O thread may have stood still too, ms. */
const TURN_MS = 5;

/** Sends until the kernel's buffers on the way to a peer that does not read are full: from then on, what is sent stays queued. */
export async function stuffKernel(connection: Connection<any>, block: Buffer): Promise<void> {
  for (;;) {
    connection.send(block);
    let [quietMs, last] = [0, performance.now()];
    while (connection.bufferedAmount > 0) {
      if (quietMs > FULL_AFTER_MS) return;
      await new Promise(setImmediate);
      const now = performance.now();
      quietMs += Math.min(now - last, TURN_MS);
      last = now;
    }
  }
}

/** How long a reader that is slow takes for its first message: all that follows is there by then, ms. */
const SLOW_MS = 150;

/** Takes the messages of a connection with a rest after the first: a pause, or in a loop that is busy meanwhile. */
export function takeSlowly(connection: Connection<any>, pauses: boolean): any[] {
  const taken: any[] = [];
  const loop = async (): Promise<void> => {
    for await (const message of connection) if (taken.push(message) === 1) await sleep(SLOW_MS);
  };
  const onMessage = (message: unknown): void => {
    if (taken.push(message) > 1) return;
    connection.pause();
    setTimeout(() => connection.resume(), SLOW_MS);
  };
  if (pauses) connection.on('message', onMessage);
  else void loop();
  return taken;
}
