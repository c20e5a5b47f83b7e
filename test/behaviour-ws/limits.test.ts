/** Broken rules and exceeded bounds end one connection, with the code that says why, and no other. */
import { CloseCode } from 'qwormhole';
import { deflateRawSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { call, cleanUp, echo, serve } from '../support/scene.js';
import { RawPeer } from '../support/raw-peer.js';
import { next, sleep, until } from '../support/wait.js';
import { OPCODE, openingRequest, wsFrame } from '../support/ws-frames.js';

const WS = 'ws://127.0.0.1:0/';
const MASKED = { mask: true } as const;

async function broken(bytes: Buffer, options: object = {}, headers: readonly string[] = []) {
  const server = await serve(options, WS);
  const witness = await call(server, { reconnect: false });
  await until(() => server.getConnectionCount() === 1, 'the witness');
  server.on('message', (message, connection) => connection.send(message));
  const arrived = next(server, 'connection');
  const { port } = new URL(server.addresses[0]);
  const { connect } = await import('node:net');
  const peer = new RawPeer(connect(Number(port), '127.0.0.1'), 'ws-client');
  cleanUp(() => peer.destroy());
  peer.write(openingRequest('/', 'h', headers));
  const [connection] = await arrived;
  const closed = next(connection, 'close');
  peer.write(bytes);
  const [code, , clean] = await Promise.race([
    closed,
    until(() => peer.closing !== undefined, 'a close frame').then(() => (peer.socket.end(), closed)),
  ]);
  const back = next(witness, 'message');
  witness.send('still here');
  expect(await back).toEqual(['still here']);
  return { code, clean, wire: peer.closing?.[0], errors: server.errors.map((error) => error.code), peer };
}

const announced = (length: bigint, opcode = 2) => {
  const bytes = Buffer.alloc(14);
  bytes[0] = 0x80 | opcode;
  bytes[1] = 0x80 | 127;
  bytes.writeBigUInt64BE(length, 2);
  return bytes;
};

it.each([
  ['an unmasked frame', wsFrame('x')],
  ['RSV1 without an extension', wsFrame('x', { ...MASKED, rsv: 4 })],
  ['RSV2', wsFrame('x', { ...MASKED, rsv: 2 })],
  ['RSV3', wsFrame('x', { ...MASKED, rsv: 1 })],
  ['opcode 3', wsFrame('x', { ...MASKED, opcode: 3 })],
  ['opcode 11', wsFrame('x', { ...MASKED, opcode: 11 })],
  ['a continuation of nothing', wsFrame('x', { ...MASKED, opcode: 0 })],
  [
    'a message inside of a message',
    Buffer.concat([wsFrame('a', { ...MASKED, fin: false }), wsFrame('b', MASKED)]),
  ],
  ['a ping in parts', wsFrame('x', { ...MASKED, opcode: OPCODE.ping, fin: false })],
  ['a ping of 126 bytes', wsFrame('x'.repeat(126), { ...MASKED, opcode: OPCODE.ping })],
  ['a close frame of one byte', wsFrame('x', { ...MASKED, opcode: OPCODE.close })],
])('%s is against the protocol', async (_what, bytes) => {
  expect(await broken(bytes)).toMatchObject({
    code: CloseCode.protocol,
    clean: false,
    wire: 1002,
    errors: ['ERR_QW_PROTOCOL'],
  });
});

it.each([
  ['in one frame', wsFrame(Buffer.from([0xc3, 0x28]), { ...MASKED, opcode: 1 })],
  ['a surrogate', wsFrame(Buffer.from([0xed, 0xa0, 0x80]), { ...MASKED, opcode: 1 })],
  ['a reason of a close', wsFrame(Buffer.from([3, 232, 0xff]), { ...MASKED, opcode: OPCODE.close })],
])('text that is not UTF-8 (%s) is refused', async (_what, bytes) => {
  expect(await broken(bytes)).toMatchObject({
    code: 1007,
    clean: false,
    wire: 1007,
    errors: ['ERR_QW_INVALID_UTF8'],
  });
});

it.each([
  ['in one frame', wsFrame(Buffer.alloc(1001), MASKED)],
  ['announced and not sent', announced(100_000_000_000n)],
  ['announced as 2^63 - 1', announced(2n ** 63n - 1n)],
  [
    'in parts',
    Buffer.concat([
      wsFrame(Buffer.alloc(600), { ...MASKED, fin: false }),
      wsFrame(Buffer.alloc(600), { ...MASKED, opcode: 0 }),
    ]),
  ],
])('a message that is too big (%s) is refused', async (_what, bytes) => {
  expect(await broken(bytes, { maxMessage: 1000 })).toMatchObject({
    code: CloseCode.too_big,
    clean: false,
    wire: 1009,
    errors: ['ERR_QW_TOO_BIG'],
  });
});

it('takes a message of exactly the limit, whole and in parts', async () => {
  const server = await serve({ maxMessage: 1000 }, WS);
  echo(server);
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  peer.write(wsFrame(Buffer.alloc(1000, 1), MASKED));
  for (let i = 0; i < 10; i += 1)
    peer.write(wsFrame(Buffer.alloc(100, 1), { ...MASKED, opcode: i === 0 ? 2 : 0, fin: i === 9 }));
  await until(() => peer.messages.length === 2, 'both');
  for (const message of peer.messages) expect(message.equals(Buffer.alloc(1000, 1))).toBe(true);
});

it('bounds the fragments of a message, empty ones too', async () => {
  for (const size of [1, 0]) {
    const part = wsFrame(Buffer.alloc(size), { ...MASKED, opcode: 0, fin: false });
    const bytes = [wsFrame('', { ...MASKED, fin: false }), ...Array.from({ length: 200 }, () => part)];
    expect(await broken(Buffer.concat(bytes), { maxFragments: 100 })).toMatchObject({
      code: CloseCode.rate_limited,
      wire: 1008,
      errors: ['ERR_QW_FLOOD'],
    });
  }
});

it('bounds control frames, in a burst and over time', async () => {
  const ping = wsFrame('', { ...MASKED, opcode: OPCODE.ping });
  const flood = Buffer.concat(Array.from({ length: 100 }, () => ping));
  expect(await broken(flood, { controlBurst: 50, controlPerSecond: 1 })).toMatchObject({
    code: CloseCode.rate_limited,
    wire: 1008,
    errors: ['ERR_QW_FLOOD'],
  });
});

it('bounds the inflated message while it inflates', async () => {
  const bomb = deflateRawSync(Buffer.alloc(64 << 20), { finishFlush: 2 }).subarray(0, -4);
  const before = process.memoryUsage().rss;
  const outcome = await broken(wsFrame(bomb, { ...MASKED, rsv: 4 }), { deflate: true, maxMessage: 1 << 20 }, [
    'Sec-WebSocket-Extensions: permessage-deflate',
  ]);
  expect(outcome).toMatchObject({ code: CloseCode.too_big, wire: 1009, errors: ['ERR_QW_TOO_BIG'] });
  expect(process.memoryUsage().rss - before).toBeLessThan(48 << 20);
});

it('refuses what does not inflate', async () => {
  const outcome = await broken(
    wsFrame(Buffer.from([0xff, 0xff, 0xff, 0xff]), { ...MASKED, rsv: 4 }),
    { deflate: true },
    ['Sec-WebSocket-Extensions: permessage-deflate'],
  );
  expect(outcome).toMatchObject({ code: 1007, wire: 1007, errors: ['ERR_QW_PROTOCOL'] });
});

it('stops reading beyond the memory budget, and goes on when there is room again', async () => {
  const MIB = 1 << 20;
  const server = await serve({ memoryBudget: 2 * MIB, maxMessage: 64 * MIB }, WS);
  let received = 0;
  server.on('message', () => (received += 1));
  const hog = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => hog.destroy());
  await until(() => server.getConnectionCount() === 1, 'the hog');
  hog.write(wsFrame(Buffer.alloc(48 * MIB), MASKED).subarray(0, 40 * MIB));
  await sleep(300);
  expect(hog.socket.writableLength).toBeGreaterThan(16 * MIB);
  hog.destroy();
  await until(() => server.getConnectionCount() === 0, 'its end');
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  peer.send('hello');
  await until(() => received === 1, 'the message of another');
});
