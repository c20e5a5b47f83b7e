/** Inline I/O: who gets it, and that a JavaScript thread which is blocked costs nobody its connection. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { connect, createQWormholeServer, listen, type QWormholeClient } from 'qwormhole';
import { environmentBudget } from 'qwormhole/internal';
import { Child } from '../support/child.js';
import { frame } from '../support/frames.js';
import { RawPeer } from '../support/raw-peer.js';
import { next, until } from '../support/wait.js';

const ANYWHERE = 'tcp://127.0.0.1:0';
const BUSY = new URL('../support/busy.mjs', import.meta.url);

let child: Child | undefined;
const clients: QWormholeClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  child?.kill();
  child = undefined;
});

test.each(['inline', 'threads'] as const)('a server and a client with io: %s say so', async (io) => {
  await using server = await listen(ANYWHERE, { io });
  await using client = await connect(server.addresses[0], { io });
  expect([server.io, client.io]).toEqual([io, io]);
  expect(server.telemetry()).toMatchObject({ mode: 'native', io });
  expect(server.metrics()).toMatch(new RegExp(`^qwormhole_info{.*io="${io}"`, 'm'));
});

test('each talks to the other, in one environment', async () => {
  await using server = await listen(ANYWHERE, { io: 'inline', codec: 'text' });
  server.on('message', (message, connection) => connection.send(message));
  for (const io of ['inline', 'threads'] as const) {
    await using client = await connect(server.addresses[0], { io, codec: 'text' });
    client.send(io);
    expect(await next(client, 'message')).toEqual([io]);
  }
});

test('the TypeScript backend has neither, and refuses both', async () => {
  const options = { endpoints: ANYWHERE, forceTs: true };
  const { server } = createQWormholeServer(options);
  expect(server.io).toBeUndefined();
  for (const io of ['inline', 'threads'] as const)
    expect(() => createQWormholeServer({ ...options, io })).toThrow(
      expect.objectContaining({ code: 'ERR_QW_OPTION_UNSUPPORTED' }),
    );
  expect(createQWormholeServer({ ...options, io: 'auto' }).server.mode).toBe('ts');
});

test('inline I/O has no threads', () => {
  expect(() => createQWormholeServer({ endpoints: ANYWHERE, io: 'inline', ioThreads: 2 })).toThrow(
    expect.objectContaining({ code: 'ERR_QW_OPTION_INVALID', details: { option: 'ioThreads' } }),
  );
});

test.each([
  ['inline', {}, 'inline'],
  ['inline', { io: 'threads' }, 'threads'],
  ['threads', { io: 'inline' }, 'inline'],
])('with QWORMHOLE_IO=%s and the options %j it is %s', async (variable, options, io) => {
  child = new Child('./echo-server.mjs', [JSON.stringify(options)], { QWORMHOLE_IO: variable });
  expect(await child.line()).toMatchObject({ mode: 'native', io });
});

test('QWORMHOLE_IO is no matter to the TypeScript backend', async () => {
  const env = { QWORMHOLE_IO: 'inline', QWORMHOLE_NATIVE: '0' };
  child = new Child('./echo-server.mjs', [], env);
  expect(await child.line()).toMatchObject({ mode: 'ts' });
});

test('JavaScript that is blocked for ten seconds evicts nobody and is evicted by nobody', async () => {
  const heartbeat = { intervalMs: 1000, timeoutMs: 3000 };
  for (const url of [ANYWHERE, 'ws://127.0.0.1:0']) {
    child?.kill();
    child = new Child('./echo-server.mjs', [JSON.stringify({ io: 'inline', codec: 'text', heartbeat }), url]);
    const { addresses, io } = await child.line();
    expect(io).toBe('inline');
    const [address] = addresses as string[];
    const options = { heartbeat, reconnect: false, codec: 'text' } as const;
    const quiet = await Promise.all([
      connect(address, { ...options, forceTs: true }),
      connect(address, { ...options, io: 'threads' }),
    ]);
    clients.push(...quiet);
    const lost: string[] = [];
    for (const client of quiet) client.on('disconnect', (code, reason) => lost.push(`${code} ${reason}`));
    child.say('block 10000');
    expect(await child.event('unblocked')).toMatchObject({ connections: 2 });
    for (const client of quiet) {
      client.send('still there?');
      expect(await next(client, 'message')).toEqual(['still there?']);
    }
    expect(lost).toEqual([]);
  }
}, 60_000);

test('links that wait for memory cost no processor time', async () => {
  const MIB = 1 << 20;
  const options = { protocol: 'length-prefixed', io: 'inline', memoryBudget: MIB } as const;
  await using server = await listen(ANYWHERE, options);
  server.on('message', () => {});
  const hog = await RawPeer.connect(server.addresses[0]);
  hog.write(frame(Buffer.alloc(2 * MIB)).subarray(0, MIB + MIB / 2));
  await until(() => environmentBudget.used() >= MIB, 'a budget that is used up');
  const before = process.cpuUsage();
  await setTimeout(1000);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(250);
  hog.destroy();
});

test('workers that are terminated while they are at it', async () => {
  const env = { ...process.env, QWORMHOLE_IO: 'inline' };
  const begin = async () => {
    const worker = new Worker(BUSY, { workerData: { connections: 2 }, env });
    const [said] = await once(worker, 'message');
    expect(said).toMatchObject({ mode: 'native', io: 'inline' });
    return worker;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const workers = await Promise.all([begin(), begin(), begin(), begin()]);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}, 120_000);

/** A handle that was left open ends the process with the first worker; what depends on the moment takes more. */
const ROUNDS = 8;
