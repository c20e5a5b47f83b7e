/** Over a bad network: what arrives is whole and in order, who is cut off comes back, and the server outlives it all. */
import { expect, it } from 'vitest';
import type { ChaosOptions } from 'qwormhole/testing';
import { proxyBefore } from '../support/chaos.js';
import { IS_SECURE, call, cleanUp, echo, serve } from '../support/scene.js';
import { next, until } from '../support/wait.js';

const fast = { reconnect: { baseMs: 2, capMs: 20 }, connectTimeoutMs: 2000 };

/** A message that shows whether it is whole: its number, and then nothing but that. */
function message(number: number): Buffer {
  const bytes = Buffer.alloc(4 + ((number * 977) % 3000), number);
  bytes.writeUInt32BE(number);
  return bytes;
}

/** The number of a message, or that it is none of ours: a bit of its frame makes text of it. */
function numberOf(bytes: unknown): number | 'broken' {
  if (!Buffer.isBuffer(bytes)) return 'broken';
  const number = bytes.length < 4 ? -1 : bytes.readUInt32BE();
  return number >= 0 && number < 1_000_000 && bytes.equals(message(number)) ? number : 'broken';
}

it.each<[string, ChaosOptions]>([
  ['far', { latencyMs: 20, jitterMs: 20 }],
  ['narrow', { bytesPerSecond: 400_000 }],
  ['in pieces', { split: 100 }],
  ['far, narrow and in pieces', { latencyMs: 10, jitterMs: 10, bytesPerSecond: 1_000_000, split: 500 }],
])('all messages come back from a server that is %s, in order', async (_, faults) => {
  const server = await serve();
  echo(server);
  const proxy = await proxyBefore(server, faults);
  const client = await call(proxy.url);
  const numbers: unknown[] = [];
  client.on('message', (bytes) => numbers.push(numberOf(bytes)));
  for (let number = 0; number < 50; number += 1) client.send(message(number));
  await until(() => numbers.length === 50, 'the echo');
  expect(numbers).toEqual(Array.from({ length: 50 }, (_each, number) => number));
  expect([...server.errors, ...client.errors]).toEqual([]);
});

it('a client comes back after every reset, and no message is partial', async () => {
  const server = await serve();
  const numbers: unknown[] = [];
  server.on('message', (bytes) => numbers.push(numberOf(bytes)));
  // Handshakes get through, and then some messages.
  const proxy = await proxyBefore(server);
  const client = await call(proxy.url, fast);
  let number = 0;
  const send = setInterval(() => client.send(message(number++)), 1);
  cleanUp(() => clearInterval(send));
  for (let round = 1; round <= 5; round += 1) {
    const before = numbers.length;
    await until(() => numbers.length > before + 5, 'messages');
    const lost = next(client, 'disconnect');
    proxy.reset();
    expect((await lost)[2]).toBe(false);
    await until(() => client.state === 'open', 'the way back');
  }
  expect(numbers).not.toContain('broken');
  expect(proxy.accepted).toBeGreaterThanOrEqual(6);
  await until(() => server.getConnectionCount() === 1, 'the end of the connections before');
});

it('a reset at any byte is an end, and nothing more', async () => {
  const server = await serve({ handshakeTimeoutMs: 5000 });
  const numbers: unknown[] = [];
  server.on('message', (bytes) => numbers.push(numberOf(bytes)));
  const witness = await call(server);
  const proxy = await proxyBefore(server);
  const client = await call(proxy.url, fast);
  const send = setInterval(() => client.send(message(7)), 1);
  cleanUp(() => clearInterval(send));
  for (const bytes of [1, 10, 100, 500, 1000, 2000, 5000, 10_000]) {
    const before = proxy.accepted;
    for (const way of ['up', 'down'] as const) proxy.set({ resetAfterBytes: bytes }, way);
    proxy.reset();
    await until(() => proxy.accepted > before + 2, `connections that end at ${bytes}`);
  }
  proxy.heal();
  proxy.reset();
  await until(() => client.state === 'open' && proxy.open === 1, 'the way back');
  expect(numbers).not.toContain('broken');
  const arrived = next(server, 'message');
  witness.send(message(1));
  await arrived;
  expect(witness.errors).toEqual([]);
});

it('a network that changes bytes harms the connections that go through it, and no others', async () => {
  const server = await serve();
  echo(server);
  const witness = await call(server);
  const proxy = await proxyBefore(server);
  const numbers: unknown[] = [];
  for (let round = 0; round < 10; round += 1) {
    proxy.heal();
    const client = await call(proxy.url, { reconnect: false });
    client.on('message', (bytes) => numbers.push(numberOf(bytes)));
    proxy.set({ corrupt: 0.0005 });
    for (let number = 0; number < 20; number += 1) client.send(message(number));
    for (let number = 0; number < 10; number += 1) {
      const back = next(witness, 'message');
      witness.send(message(number));
      expect(numberOf((await back)[0])).toBe(number);
    }
    client.terminate();
  }
  // Nothing else notices what was changed in a payload.
  if (IS_SECURE) expect(numbers).not.toContain('broken');
  expect(witness.errors).toEqual([]);
  await until(() => server.getConnectionCount() === 1, 'the end of the others');
});
