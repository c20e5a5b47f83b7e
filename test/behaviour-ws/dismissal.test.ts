/** Clients that are refused by a close code: told, and not kept. */
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { cleanUp, serve } from '../support/scene.js';
import { awake, until } from '../support/wait.js';
import { OPCODE, openingRequest, wsFrame } from '../support/ws-frames.js';

const WS = 'ws://127.0.0.1:0/';
const PONG = wsFrame(Buffer.alloc(0), { opcode: OPCODE.pong, mask: true });
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
    // libuv tells of a reset that comes with data as of an end in order. Writing shows which it was: a PONG means
    // nothing to a server that is still there.
    socket.on('end', () => {
      const asking = setInterval(() => socket.write(PONG), 50);
      socket.on('close', () => clearInterval(asking));
    });
    socket.write(openingRequest('/', host));
    return client;
  });
  return clients;
}

it('has about a second to close, whatever closeTimeoutMs is', async () => {
  const server = await serve({ ...BANNED, closeTimeoutMs: 60_000 }, WS);
  const startedAt = performance.now();
  const took = awake();
  const [client] = stubborn(server.addresses[0], 1);
  await until(() => client.isOver, 'the end');
  expect(client.text).toContain('banned');
  expect(performance.now() - startedAt).toBeGreaterThan(500);
  expect(took()).toBeLessThan(3000);
});

it('is cut earlier where many others are refused', async () => {
  const server = await serve({ ...BANNED, maxPendingHandshakes: 2000 }, WS);
  const took = awake();
  const clients = stubborn(server.addresses[0], 600);
  await until(() => clients.filter(({ isOver }) => isOver).length >= 600 - 256, 'the end of most');
  await until(() => clients.every(({ isOver }) => isOver), 'the end of all');
  expect(took()).toBeLessThan(8000);
  expect(server.getConnectionCount()).toBe(0);
});

it('does not keep a server from closing', async () => {
  const server = await serve(BANNED, WS);
  const [client] = stubborn(server.addresses[0], 1);
  await until(() => client.text.includes('banned'), 'the verdict');
  await server.close();
  await until(() => client.isOver, 'the end');
});
