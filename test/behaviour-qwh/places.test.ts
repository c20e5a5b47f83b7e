/** Handshakes of qwh that are not finished: they keep nobody out, and those who give way are told of. */
import { CloseCode } from 'qwormhole';
import { expect } from 'vitest';
import { StreamPeer } from '../support/qwh-peer.js';
import { call, onTcp, serve } from '../support/scene.js';
import { failure, sleep, until } from '../support/wait.js';

/** Peers that have heard who the server is and never say that they are ready. */
async function half(address: string, count: number): Promise<StreamPeer[]> {
  const peers: StreamPeer[] = [];
  for (let index = 0; index < count; index += 1) {
    const peer = new StreamPeer(address, false);
    peers.push(peer);
    await until(() => peer.hasMet, 'its HELLO');
  }
  return peers;
}

onTcp('gives the places of those who never become ready to newcomers, and says so', async () => {
  const server = await serve({ maxPendingHandshakes: 3 });
  const refusals: any[] = [];
  server.on('handshakeError', (error) => refusals.push(error));
  const peers = await half(server.addresses[0], 3);
  const client = await call(server);
  expect(client.state).toBe('open');
  await until(() => peers[0].isClosed && refusals.length === 1, 'the first to give way');
  expect(peers[0].isReset).toBe(true);
  expect(peers.slice(1).map(({ isClosed }) => isClosed)).toEqual([false, false]);
  expect(refusals[0]).toMatchObject({ code: 'ERR_QW_RESOURCES', closeCode: CloseCode.busy });
  await until(() => server.getConnectionCount() === 1, 'the connection');
  expect(server.stats().qwhHandshakes).toEqual({ accepted: 1, refused: 0, failed: 1, timedOut: 0 });
});

onTcp('tells of newcomers for whom there is no place while all wait for a verdict', async () => {
  const asked: string[] = [];
  const server = await serve({
    maxPendingHandshakes: 2,
    verifyHandshake: ({ sid }) => {
      asked.push(sid);
      return new Promise<void>(() => {});
    },
  });
  const refusals: any[] = [];
  server.on('handshakeError', (error) => refusals.push(error));
  const peers = [1, 2].map(() => new StreamPeer(server.addresses[0]));
  await until(() => asked.length === 2, 'the questions');
  const error = await failure(() => call(server, { reconnect: false }));
  expect(error.code).toMatch(/^ERR_QW_(HANDSHAKE|CONNECTION_LOST|CONNECT_FAILED)$/);
  await until(() => refusals.length === 1, 'the event');
  expect(refusals[0]).toMatchObject({ code: 'ERR_QW_RESOURCES', closeCode: CloseCode.busy });
  expect(server.stats().qwhHandshakes.failed).toBe(1);
  expect(peers.map(({ isClosed }) => isClosed)).toEqual([false, false]);
});

onTcp('bounds the handshakes of one address, too', async () => {
  const server = await serve({ maxPendingHandshakes: 100, maxConnectionsPerAddress: 2 });
  const peers = await half(server.addresses[0], 3);
  await until(() => peers[0].isClosed, 'the first to give way');
  await sleep(30);
  expect(peers.map(({ isClosed }) => isClosed)).toEqual([true, false, false]);
});

onTcp('notices that a peer ends its side while it waits for the verdict', async () => {
  let signal: AbortSignal | undefined;
  let accept: (() => void) | undefined;
  const server = await serve({
    verifyHandshake: (peer) => {
      ({ signal } = peer);
      return new Promise<void>((resolve) => (accept = resolve));
    },
  });
  let admitted = 0;
  server.on('connection', () => (admitted += 1));
  const peer = new StreamPeer(server.addresses[0]);
  await until(() => signal !== undefined, 'the question');
  await sleep(30);
  peer.socket.end();
  await until(() => signal!.aborted, 'the signal');
  await until(() => server.stats().qwhHandshakes.failed === 1, 'the count');
  accept!();
  await sleep(30);
  expect(admitted).toBe(0);
});
