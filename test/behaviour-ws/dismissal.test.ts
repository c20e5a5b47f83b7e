/** Clients that are refused by a close code: told, and not kept. */
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { cleanUp, serve } from '../support/scene.js';
import { until } from '../support/wait.js';
import { openingRequest } from '../support/ws-frames.js';

const WS = 'ws://127.0.0.1:0/';
/** By then nobody is waited for any more. */
const PATIENCE_MS = 2000;
const BANNED = { authorize: () => ({ closeCode: 4001, reason: 'banned' }) };

/** Clients that ask to come in and never close. */
function stubborn(address: string, count: number) {
  const { host, hostname, port } = new URL(address);
  const clients = Array.from({ length: count }, () => {
    const client = { text: '', isOver: false };
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    cleanUp(() => socket.destroy());
    socket.on('data', (chunk) => (client.text += chunk.toString('latin1')));
    socket.on('close', () => (client.isOver = true)).on('error', () => {});
    // A reset right behind data can look like an end in order: whoever is gone by then does not take this.
    socket.on('end', () => setTimeout(() => socket.write('?'), PATIENCE_MS));
    socket.write(openingRequest('/', host));
    return client;
  });
  return clients;
}

it('has about a second to close, whatever closeTimeoutMs is', async () => {
  const server = await serve({ ...BANNED, closeTimeoutMs: 60_000 }, WS);
  const startedAt = performance.now();
  const [client] = stubborn(server.addresses[0], 1);
  await until(() => client.isOver, 'the end');
  expect(client.text).toContain('banned');
  expect(performance.now() - startedAt).toBeGreaterThan(500);
  expect(performance.now() - startedAt).toBeLessThan(3000);
});

it('is cut earlier where many others are refused', async () => {
  // Who finds the kernel's queue full calls again, for seconds.
  const server = await serve({ ...BANNED, maxPendingHandshakes: 2000, backlog: 2000 }, WS);
  const clients = stubborn(server.addresses[0], 600);
  await until(() => clients.filter(({ isOver }) => isOver).length >= 600 - 256, 'the end of most');
  await until(() => clients.every(({ isOver }) => isOver), 'the end of all');
  expect(server.getConnectionCount()).toBe(0);
});

it('does not keep a server from closing', async () => {
  const server = await serve(BANNED, WS);
  const [client] = stubborn(server.addresses[0], 1);
  await until(() => client.text.includes('banned'), 'the verdict');
  await server.close();
  await until(() => client.isOver, 'the end');
});
