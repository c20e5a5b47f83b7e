/** Each fault of `qwormhole/testing`, seen from both ends of a plain TCP connection. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { ChaosOptions } from 'qwormhole/testing';
import { proxyBefore } from '../support/chaos.js';
import { cleanUp } from '../support/scene.js';
import { failure, next, until } from '../support/wait.js';

/** One end of a connection, and what came of it. */
class End {
  readonly pieces: Buffer[] = [];
  readonly times: number[] = [];
  hasEnded = false;
  error: NodeJS.ErrnoException | undefined;

  constructor(readonly socket: Socket) {
    socket.on('data', (piece) => {
      this.pieces.push(piece);
      this.times.push(performance.now());
    });
    socket.on('end', () => (this.hasEnded = true));
    socket.on('error', (error) => (this.error = error));
    cleanUp(() => socket.destroy());
  }

  get received(): Buffer {
    return Buffer.concat(this.pieces);
  }

  async receivedBytes(count: number): Promise<Buffer> {
    await until(() => this.received.length >= count, `${count} bytes`);
    return this.received;
  }
}

const pattern = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 31) % 251));

/** A client and a server with a proxy in between. */
async function scene(options: ChaosOptions = {}) {
  const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1');
  await next(server, 'listening');
  cleanUp(() => server.close());
  const proxy = await proxyBefore(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, options);
  const call = async () => {
    const arrived = next(server, 'connection');
    const client = new End(
      connect({ port: Number(new URL(proxy.url).port), host: '127.0.0.1', allowHalfOpen: true }),
    );
    const [socket] = await arrived;
    return { client, server: new End(socket as Socket) };
  };
  return { proxy, call, ...(await call()) };
}

it('a proxy without faults changes nothing, either way', async () => {
  const { client, server, proxy } = await scene();
  client.socket.end(pattern);
  expect((await server.receivedBytes(pattern.length)).equals(pattern)).toBe(true);
  await until(() => server.hasEnded, 'the end of the client');
  server.socket.end(pattern);
  expect((await client.receivedBytes(pattern.length)).equals(pattern)).toBe(true);
  await until(() => client.hasEnded, 'the end of the server');
  await until(() => proxy.open === 0, 'the end of the connection');
  expect([proxy.accepted, client.error, server.error]).toEqual([1, undefined, undefined]);
});

it('latency is there on the way back too, and jitter never changes the order', async () => {
  const { client, server } = await scene({ latencyMs: 60, jitterMs: 40, split: 3000 });
  server.socket.on('data', (bytes) => server.socket.write(bytes));
  const began = performance.now();
  client.socket.write(pattern);
  expect((await client.receivedBytes(pattern.length)).equals(pattern)).toBe(true);
  expect(client.times[0] - began).toBeGreaterThanOrEqual(118);
});

it('bandwidth is what is said', async () => {
  const { client, server } = await scene({ bytesPerSecond: 200_000, split: 1000 });
  const began = performance.now();
  client.socket.write(pattern);
  await server.receivedBytes(pattern.length);
  expect(performance.now() - began).toBeGreaterThan(490);
});

it('a stream of pieces is whole', async () => {
  const { client, server } = await scene({ split: 70 });
  client.socket.write(pattern);
  expect((await server.receivedBytes(pattern.length)).equals(pattern)).toBe(true);
  expect(server.pieces.length).toBeGreaterThan(100);
});

it('about as many bytes are changed as were asked for, and none is lost', async () => {
  const { client, server } = await scene({ seed: 1, corrupt: 0.01 });
  client.socket.write(pattern);
  const received = await server.receivedBytes(pattern.length);
  const changed = received.filter((byte, index) => byte !== pattern[index]).length;
  expect(changed).toBeGreaterThan(800);
  expect(changed).toBeLessThan(1200);
});

it('one seed changes the same bytes, however the stream is written', async () => {
  const received: Buffer[] = [];
  for (const step of [pattern.length, 999]) {
    const { client, server } = await scene({ seed: 42, corrupt: 0.001 });
    for (let at = 0; at < pattern.length; at += step) {
      client.socket.write(pattern.subarray(at, at + step));
      await server.receivedBytes(Math.min(at + step, pattern.length));
    }
    received.push(server.received);
  }
  expect(received[0].equals(received[1])).toBe(true);
  expect(received[0].equals(pattern)).toBe(false);
});

it('two connections of a proxy have faults of their own', async () => {
  const { call } = await scene({ seed: 42, corrupt: 0.001 });
  const received: Buffer[] = [];
  for (let index = 0; index < 2; index += 1) {
    const { client, server } = await call();
    client.socket.write(pattern);
    received.push(await server.receivedBytes(pattern.length));
  }
  expect(received[0].equals(received[1])).toBe(false);
});

describe('a black hole', () => {
  it('swallows bytes and ends one way, and leaves the other alone', async () => {
    const { client, server, proxy } = await scene();
    client.socket.write('before');
    await server.receivedBytes(6);
    proxy.cut('up');
    client.socket.end('lost');
    server.socket.write('heard');
    await client.receivedBytes(5);
    expect([String(server.received), server.hasEnded]).toEqual(['before', false]);
  });

  it('leaves no hole in a stream: what lost bytes is silent for good, new connections are not', async () => {
    const { client, server, proxy, call } = await scene();
    proxy.cut();
    client.socket.write('lost');
    const other = await call();
    other.client.socket.write('lost too');
    await until(() => client.socket.bytesWritten === 4, 'the bytes on their way');
    // Behind it nothing of a proxy that works would be left under way.
    proxy.heal('down');
    server.socket.write('still heard');
    await client.receivedBytes(11);
    proxy.heal();
    client.socket.write('never');
    const fresh = await call();
    fresh.client.socket.write('fresh');
    await fresh.server.receivedBytes(5);
    expect([server.received.length, other.server.received.length]).toEqual([0, 0]);
  });
});

it('what is stalled comes later, and whole', async () => {
  const { client, server, proxy } = await scene({ stall: true });
  client.socket.write(pattern);
  const back = next(client.socket, 'data');
  proxy.heal('down');
  server.socket.write('the other way goes on');
  await back;
  expect(server.received.length).toBe(0);
  proxy.heal();
  expect((await server.receivedBytes(pattern.length)).equals(pattern)).toBe(true);
});

it('half an end: the receiver hears it, and may go on sending', async () => {
  const { client, server, proxy } = await scene();
  client.socket.write('first');
  await server.receivedBytes(5);
  proxy.end('up');
  await until(() => server.hasEnded, 'the end');
  client.socket.write('nobody hears this');
  server.socket.write('answer');
  await client.receivedBytes(6);
  expect([String(server.received), client.hasEnded]).toEqual(['first', false]);
});

it('an end comes at the byte that was asked for', async () => {
  const { client, server } = await scene({ endAfterBytes: 70_001 });
  client.socket.write(pattern);
  await until(() => server.hasEnded, 'the end');
  expect(server.received.equals(pattern.subarray(0, 70_001))).toBe(true);
});

it('a reset is one, on both sides', async () => {
  const { client, server, proxy } = await scene();
  proxy.reset();
  await until(() => client.error !== undefined && server.error !== undefined, 'the resets');
  expect([client.error?.code, server.error?.code]).toEqual(['ECONNRESET', 'ECONNRESET']);
  await until(() => proxy.open === 0, 'the end of the connection');
});

it('a reset comes at the byte that was asked for', async () => {
  const { client, server } = await scene({ resetAfterBytes: 10 });
  client.socket.write('123456789');
  await server.receivedBytes(9);
  expect(client.error).toBe(undefined);
  client.socket.write('0');
  await until(() => client.error?.code === 'ECONNRESET', 'the reset');
});

it('a reset of one side is passed on to the other', async () => {
  const { client, server } = await scene();
  client.socket.resetAndDestroy();
  await until(() => server.error?.code === 'ECONNRESET', 'the reset');
});

it('a server that is not there resets the client', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await next(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const proxy = await proxyBefore(`tcp://127.0.0.1:${port}`);
  const client = new End(connect(Number(new URL(proxy.url).port), '127.0.0.1'));
  await next(client.socket, 'close');
  await until(() => proxy.open === 0, 'the end of the connection');
});

it('a receiver that does not read stops the sender', async () => {
  const { client, server } = await scene();
  server.socket.pause();
  const block = Buffer.alloc(1024 * 1024);
  for (let sent = 0; sent < 64; sent += 1) client.socket.write(block);
  // Both kernels and the proxy have what they may have: the rest waits where it is.
  await until(() => client.socket.bytesWritten > block.length, 'the first block');
  const waiting = client.socket.writableLength;
  expect(waiting).toBeGreaterThan(32 * block.length);
  server.socket.resume();
  await server.receivedBytes(64 * block.length);
});

it.each([
  { latencyMs: -1 },
  { split: 0 },
  { corrupt: 2 },
  { bytesPerSecond: 0 },
  { latency: 5 } as ChaosOptions,
  { seed: 0.5 },
])('%j is refused', async (options) => {
  const error = await failure(() => proxyBefore('tcp://127.0.0.1:1', options));
  expect(error.code).toBe('ERR_QW_OPTION_INVALID');
});

it('keeps path and query of a WebSocket', async () => {
  const proxy = await proxyBefore('ws://127.0.0.1:1/chat?room=1');
  expect(proxy.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/chat\?room=1$/);
});
