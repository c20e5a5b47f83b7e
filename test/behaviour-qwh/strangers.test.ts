/** Peers that speak qwh by hand over TCP: what they are answered, byte by byte. */
import { connect as dial, createServer as listenPlainly, type AddressInfo, type Socket } from 'node:net';
import { CloseCode } from 'qwormhole';
import { expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { httpServer } from '../support/http.js';
import { IS_TCP, call, cleanUp, onTcp, serve } from '../support/scene.js';
import { failure, next, sleep, until } from '../support/wait.js';

const PREAMBLE = Buffer.from('5157483101000000010100000000', 'hex');
const HELLO_BODY = Buffer.concat([
  Buffer.from('0600020101', 'hex'),
  Buffer.from('090006', 'hex'),
  Buffer.from('buffer'),
  Buffer.from(`0a0010${'00'.repeat(16)}`, 'hex'),
  Buffer.from(`0c001200400000${'00'.repeat(14)}`, 'hex'),
]);

/** A record of one frame. */
function record(kind: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(10);
  header.writeUInt16BE(8 + body.length, 0);
  header[2] = kind;
  header.writeUInt16BE(body.length, 4);
  return Buffer.concat([header, body]);
}

interface Stranger {
  readonly socket: Socket;
  received: Buffer;
  isClosed: boolean;
}

async function stranger(url: string): Promise<Stranger> {
  const { hostname, port } = new URL(url);
  const socket = dial(Number(port), hostname);
  const peer: Stranger = { socket, received: Buffer.alloc(0), isClosed: false };
  socket.on('data', (bytes) => (peer.received = Buffer.concat([peer.received, bytes])));
  socket.on('error', () => {});
  socket.on('close', () => (peer.isClosed = true));
  cleanUp(() => socket.destroy());
  await next(socket, 'connect');
  return peer;
}

it.skipIf(IS_TCP)('fails at once where a WebSocket server only says that it speaks qwh', async () => {
  const { http, url } = await httpServer();
  const other = new WebSocketServer({ server: http, handleProtocols: () => 'qwh.v1' });
  other.on('connection', (ws) => ws.on('error', () => {}).send('hello'));
  for (const forceTs of [true, false]) {
    const error = await failure(() => call(url, { forceTs, reconnect: false }));
    expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE', closeCode: CloseCode.protocol });
  }
});

onTcp('rejects a broken preamble with a code', async () => {
  const server = await serve();
  const peer = await stranger(server.addresses[0]);
  peer.socket.write(Buffer.from('5157483109', 'hex'));
  await until(() => peer.isClosed, 'the end');
  expect(peer.received.toString('hex')).toBe('5157483103001600');
});

onTcp('takes a handshake in pieces of one byte, and answers PINGs although nobody listens', async () => {
  const server = await serve();
  const peer = await stranger(server.addresses[0]);
  peer.socket.setNoDelay(true);
  for (const byte of Buffer.concat([PREAMBLE, record(2, HELLO_BODY)])) {
    peer.socket.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
  await until(() => peer.received.subarray(-10).equals(record(1)), 'answer, HELLO and READY');
  expect(peer.received.subarray(0, 8).toString('hex')).toBe('5157483102000000');
  expect(server.getConnectionCount()).toBe(0);
  peer.socket.write(record(1));
  await until(() => server.getConnectionCount() === 1, 'the connection');
  for (const opaque of ['0102030405060708', '1112131415161718']) {
    peer.received = Buffer.alloc(0);
    peer.socket.write(record(4, Buffer.from(opaque, 'hex')));
    await until(() => peer.received.length === 18, 'the PONG');
    expect(peer.received.toString('hex')).toBe(`00100500000800000000${opaque}`);
  }
  const message = next(server, 'message');
  peer.socket.write(record(0x11, Buffer.from('hello')));
  expect(String((await message)[0])).toBe('hello');
  const closed = next(server, 'clientClosed');
  peer.received = Buffer.alloc(0);
  // An empty record is against the rules.
  peer.socket.write(Buffer.of(0, 0));
  const [, code, , clean] = await closed;
  expect([code, clean]).toEqual([2, false]);
  await until(() => peer.isClosed || peer.received.length > 10, 'the GOAWAY');
  expect(peer.received[2]).toBe(3);
  expect(peer.received.readUInt16BE(10)).toBe(2);
});

onTcp('gives the place of the one that is silent the longest to a newcomer', async () => {
  const server = await serve({ maxPendingHandshakes: 2 });
  const silent = [await stranger(server.addresses[0])];
  await sleep(30);
  silent.push(await stranger(server.addresses[0]));
  await sleep(30);
  silent.push(await stranger(server.addresses[0]));
  await until(() => silent[0].isClosed, 'the first to be reset');
  expect(silent.map(({ isClosed }) => isClosed)).toEqual([true, false, false]);
});

onTcp('resets who never says what it speaks', async () => {
  const server = await serve({ handshakeTimeoutMs: 60 });
  const failed = next(server, 'handshakeError');
  const peer = await stranger(server.addresses[0]);
  await until(() => peer.isClosed, 'the end');
  expect((await failed)[0]).toMatchObject({ code: 'ERR_QW_HANDSHAKE', closeCode: 8 });
});

onTcp('says what may be wrong where a server ends the connection without an answer', async () => {
  for (const how of ['end', 'resetAndDestroy'] as const) {
    const other = listenPlainly((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket[how]());
    }).listen(0, '127.0.0.1');
    await next(other, 'listening');
    cleanUp(() => other.close());
    const { port } = other.address() as AddressInfo;
    const error = await failure(() => call(`tcp://127.0.0.1:${port}`, { reconnect: false, protocol: 'qwh' }));
    expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE', closeCode: CloseCode.timeout });
    expect(error.message).toMatch('set `protocol`');
    if (how === 'resetAndDestroy') expect(error.cause).toMatchObject({ code: 'ECONNRESET' });
  }
});

onTcp('does not reset a peer that ends its stream without a last word', async () => {
  const server = await serve();
  const peer = await stranger(server.addresses[0]);
  let failed: unknown;
  peer.socket.on('error', (error) => (failed = error));
  peer.socket.write(Buffer.concat([PREAMBLE, record(2, HELLO_BODY), record(1)]));
  await until(() => server.getConnectionCount() === 1, 'the connection');
  const closed = next(server, 'clientClosed');
  peer.socket.end();
  const [, code, , clean] = await closed;
  expect([code, clean]).toEqual([CloseCode.timeout, false]);
  await until(() => peer.isClosed, 'the end');
  expect(failed).toBeUndefined();
});
