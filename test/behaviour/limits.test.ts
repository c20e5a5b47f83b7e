/** Bounds hold whatever a peer does. */
import { readFileSync } from 'node:fs';
import { environmentBudget } from 'qwormhole/internal';
import { expect, it } from 'vitest';
import { RawPeer } from '../support/raw-peer.js';
import { call, cleanUp, echo, serve, onTcp } from '../support/scene.js';
import { next, sleep, until } from '../support/wait.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * What the process has reserved for data, bytes, whether it was ever written to or not: memory that is only
 * reserved is not resident. Where the system does not say, what JavaScript's buffers have of it.
 */
function claimedMemory(): number {
  if (process.platform !== 'linux') return process.memoryUsage().arrayBuffers;
  const [, kib] = /^VmData:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return Number(kib) * 1024;
}

onTcp('does not believe an announced length', async () => {
  const server = await serve({ protocol: 'length-prefixed', maxMessage: 64 * MIB });
  server.on('message', () => {});
  const before = claimedMemory();
  const header = Buffer.alloc(4);
  header.writeUInt32BE(64 * MIB);
  const peers = await Promise.all(Array.from({ length: 50 }, () => RawPeer.connect(server.addresses[0])));
  cleanUp(() => peers.forEach((peer) => peer.destroy()));
  await until(() => server.getConnectionCount() === 50, 'the connections');
  const held = environmentBudget.used();
  let sent = 0;
  // Each part comes by itself: the length, and then now and again something of the message.
  for (const part of [header, Buffer.from('a little'), Buffer.alloc(32_768), Buffer.from('a little more')]) {
    for (const peer of peers) peer.write(part);
    await sleep(20);
    if (part !== header) sent += peers.length * part.length;
    await until(() => environmentBudget.used() - held >= sent, 'the parts');
  }
  expect(claimedMemory() - before).toBeLessThan(200 * MIB);
});

onTcp('stops reading beyond the memory budget, and goes on when there is room again', async () => {
  const server = await serve({ protocol: 'length-prefixed', memoryBudget: 2 * MIB, maxMessage: 64 * MIB });
  let received = 0;
  server.on('message', () => (received += 1));
  const header = Buffer.alloc(4);
  header.writeUInt32BE(48 * MIB);
  const arrived = next(server, 'connection');
  const hog = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => hog.destroy());
  const [hogged] = await arrived;
  const before = process.memoryUsage().rss;
  hog.write(header);
  for (let i = 0; i < 40; i += 1) hog.write(Buffer.alloc(MIB));
  const honest = await call(server, { protocol: 'length-prefixed' });
  await sleep(300);
  expect(hog.socket.writableLength).toBeGreaterThan(16 * MIB);
  honest.send('may have to wait');
  await sleep(50);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
  hogged.terminate();
  await until(() => received === 1, 'the honest one');
});

it('ends a standstill: who holds the most of an unfinished message is cut', async () => {
  const server = await serve({ memoryBudget: MIB });
  const received: number[] = [];
  server.on('message', (message) => void received.push(message.length));
  for (let i = 0; i < 2; i += 1) {
    const hog = await RawPeer.connect(server.addresses[0]);
    cleanUp(() => hog.destroy());
    hog.write(hog.pack(Buffer.alloc(MIB)).subarray(0, 700 * KIB));
  }
  await until(() => environmentBudget.used() >= MIB, 'a budget that is used up');
  const honest = await call(server);
  honest.send(Buffer.alloc(300 * KIB));
  await sleep(1000);
  expect(received).toEqual([]);
  await until(() => received.length === 1, 'the honest one');
  expect(received).toEqual([300 * KIB]);
  expect(server.errors.map(({ code }) => code)).toEqual(['ERR_QW_RESOURCES']);
  const { held, budget } = server.errors[0].details;
  expect(held).toBeGreaterThan(300 * KIB);
  expect(budget).toBe(MIB);
  expect(server.getConnectionCount()).toBe(2);
});

it('echoes through a thousand short connections without keeping anything', async () => {
  const server = await serve({ codec: 'text' });
  echo(server);
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const client = await call(server, { codec: 'text', reconnect: false });
        const back = next(client, 'message');
        client.send(`${round} ${i}`);
        expect(await back).toEqual([`${round} ${i}`]);
        await client.close();
      }),
    );
  }
  await until(() => server.getConnectionCount() === 0, 'no connection');
  expect(server.stats().connectionsAccepted).toBe(1000);
});
