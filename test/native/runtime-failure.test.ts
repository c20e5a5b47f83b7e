/** What follows when the native backend breaks under load: migration, or an error where native is forced. */
import { afterEach, expect, test } from 'vitest';
import { connect, listen, type QWormholeClient } from 'qwormhole';
import { environmentBudget, injectNativeFailure } from 'qwormhole/internal';
import { Child } from '../support/child.js';
import { frame } from '../support/frames.js';
import { RawPeer } from '../support/raw-peer.js';
import { collect, next, until } from '../support/wait.js';

const CLIENTS_OF_EACH_KIND = 8;
const RECONNECT = { baseMs: 20, capMs: 200 };

let child: Child | undefined;
const clients: QWormholeClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  child?.kill();
});

async function serve(env: Record<string, string>, options: object = {}): Promise<string> {
  child = new Child('./echo-server.mjs', [JSON.stringify(options)], env);
  const { addresses, mode } = await child.line();
  expect(mode).toBe('native');
  return (addresses as string[])[0];
}

/** A client that keeps a message going round for as long as it is connected. */
async function busyClient(url: string, forceTs: boolean): Promise<QWormholeClient> {
  const client = await connect(url, { forceTs, reconnect: RECONNECT });
  clients.push(client);
  client.on('message', (message) => client.send(message));
  client.on('error', () => {});
  client.on('ready', () => client.send(Buffer.from('round and round')));
  client.send(Buffer.from('round and round'));
  return client;
}

function busyClients(url: string): Promise<QWormholeClient[]> {
  const each = Array.from({ length: CLIENTS_OF_EACH_KIND }, () => [
    busyClient(url, true),
    busyClient(url, false),
  ]);
  return Promise.all(each.flat());
}

test('under auto the server goes on in TypeScript on the same port and every client comes back', async () => {
  const url = await serve({ QWORMHOLE_NATIVE: 'auto' });
  const busy = await busyClients(url);
  const back = busy.map(async (client) => {
    await next(client, 'disconnect');
    await next(client, 'ready');
    // Not only connected: served.
    await next(client, 'message');
  });
  child!.say('inject');
  const failure = await child!.event('error');
  expect(failure.code).toBe('ERR_QW_NATIVE_FAILED');
  await Promise.all(back);
  child!.say('mode');
  expect(await child!.event('mode')).toMatchObject({ mode: 'ts', addresses: [url] });
});

test('under force the server ends with an error, and the process lives', async () => {
  const url = await serve({ QWORMHOLE_NATIVE: 'force' });
  const client = await connect(url, { reconnect: false });
  clients.push(client);
  const closed = next(client, 'close');
  child!.say('inject');
  expect((await child!.event('error')).code).toBe('ERR_QW_NATIVE_FAILED');
  await child!.event('close');
  const [, , clean] = await closed;
  expect(clean).toBe(false);
  child!.process.stdin.end();
  expect(await child!.ended()).toEqual({ code: 0, signal: null });
});

test('onNativeFailure: error under auto ends the server too', async () => {
  await serve({ QWORMHOLE_NATIVE: 'auto' }, { onNativeFailure: 'error' });
  child!.say('inject');
  expect((await child!.event('error')).code).toBe('ERR_QW_NATIVE_FAILED');
  await child!.event('close');
});

test('an option that TypeScript cannot honour keeps the server from migrating', async () => {
  await serve({ QWORMHOLE_NATIVE: 'auto' }, { sendBufferSize: 65536 });
  child!.say('inject');
  expect((await child!.event('error')).code).toBe('ERR_QW_NATIVE_FAILED');
  await child!.event('close');
});

test('a client whose own native backend breaks reconnects over TypeScript', async () => {
  const server = await listen('tcp://127.0.0.1:0', { forceTs: true });
  server.on('message', (message, connection) => connection.send(message));
  const client = await busyClient(server.addresses[0], false);
  expect(client.mode).toBe('native');
  await next(client, 'message');
  injectNativeFailure();
  await next(client, 'disconnect');
  await next(client, 'ready');
  expect(client.mode).toBe('ts');
  await next(client, 'message');
  await server.close();
});

test('a client whose own native backend breaks ends where it may not move', async () => {
  await using server = await listen('tcp://127.0.0.1:0', { forceTs: true });
  const client = await connect(server.addresses[0], { onNativeFailure: 'error' });
  const events: string[] = [];
  for (const event of ['disconnect', 'reconnecting', 'error'] as const)
    client.on(event, () => events.push(event));
  const closed = next(client, 'close');
  injectNativeFailure();
  await closed;
  expect(events).toEqual(['disconnect', 'error']);
});

test('one of several threads takes the others with it, and the port is free afterwards', async () => {
  const server = await listen('tcp://127.0.0.1:0', { ioThreads: 2 });
  server.on('error', () => {});
  const arrived = collect(server, 'connection', 4);
  const callers = Array.from({ length: 4 }, () => connect(server.addresses[0], { reconnect: false }));
  clients.push(...(await Promise.all(callers)));
  for (const client of clients) client.on('error', () => {});
  await arrived;
  const [address] = server.addresses;
  const over = next(server, 'close');
  injectNativeFailure(1);
  await over;
  expect(server.getConnectionCount()).toBe(0);
  await using successor = await listen(address, { forceTs: true });
  expect(successor.addresses).toEqual([address]);
});

test('what a broken thread held is off the budget', async () => {
  await using server = await listen('tcp://127.0.0.1:0');
  server.on('error', () => {});
  server.on('message', () => {});
  const peer = await RawPeer.connect(server.addresses[0]);
  peer.write(frame(Buffer.alloc(1 << 20)).subarray(0, 1 << 19));
  await until(() => environmentBudget.used() > 1 << 18, 'a part of a message');
  injectNativeFailure();
  await until(() => server.mode === 'ts' && server.ready, 'the other backend');
  expect(environmentBudget.used()).toBe(0);
  peer.destroy();
});
