/** Close codes and reasons over WebSocket, in both directions. */
import { CloseCode } from 'qwormhole';
import { expect, it } from 'vitest';
import { call, cleanUp, serve } from '../support/scene.js';
import { RawPeer } from '../support/raw-peer.js';
import { collect, failure, next, times, until } from '../support/wait.js';
import { closeFrame, OPCODE, wsFrame } from '../support/ws-frames.js';

const WS = 'ws://127.0.0.1:0/';

async function rawPairWs(options = {}) {
  const server = await serve(options, WS);
  const arrived = next(server, 'connection');
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  const [connection] = await arrived;
  return { server, peer, connection };
}

it.each([
  [0, 1000],
  [CloseCode.protocol, 1002],
  [CloseCode.rejected_by_policy, 1008],
  [CloseCode.rate_limited, 1008],
  [CloseCode.too_big, 1009],
  [CloseCode.internal, 1011],
  [CloseCode.shutdown, 1012],
  [CloseCode.busy, 1013],
  [CloseCode.auth_failed, 4403],
  [CloseCode.codec, 4423],
  [599, 4999],
  [1001, 1001],
  [1014, 1014],
  [3000, 3000],
  [4999, 4999],
])('our %d goes out as %d', async (code, wire) => {
  const { peer, connection } = await rawPairWs();
  const closed = next(connection, 'close');
  void connection.close(code, 'because');
  await peer.ended();
  expect(peer.closing).toEqual([wire, 'because']);
  peer.end(1000);
  expect(await closed).toEqual([code, 'because', true]);
  await peer.closed();
});

it.each([
  [undefined, 0],
  [1000, 0],
  [1001, 1001],
  [1002, CloseCode.protocol],
  [1008, CloseCode.rejected_by_policy],
  [1009, CloseCode.too_big],
  [1011, CloseCode.internal],
  [1012, CloseCode.shutdown],
  [1013, CloseCode.busy],
  [3500, 3500],
  [4001, 4001],
  [4403, CloseCode.auth_failed],
])('a peer says %s, which is %d here', async (wire, code) => {
  const { peer, connection } = await rawPairWs();
  connection.on('message', () => {});
  const closed = next(connection, 'close');
  const reason = wire === undefined ? '' : 'grüße';
  peer.write(closeFrame(wire, reason, true));
  expect(await closed).toEqual([code, reason, true]);
  await peer.closed();
  expect(peer.closing?.[0]).toBe(wire ?? 1005);
});

it.each([0, 999, 1004, 1005, 1006, 1015, 2999, 5000])('the code %d of a peer is none', async (wire) => {
  const { server, peer, connection } = await rawPairWs();
  const closed = next(connection, 'close');
  peer.write(closeFrame(wire, '', true));
  await until(() => peer.closing !== undefined, 'the close frame');
  expect(peer.closing?.[0]).toBe(1002);
  peer.socket.end();
  const [code, , clean] = await closed;
  expect([code, clean]).toEqual([CloseCode.protocol, false]);
  expect(server.errors.map((error) => error.code)).toEqual(['ERR_QW_PROTOCOL']);
});

it('refuses codes that no close frame can carry', async () => {
  const { connection } = await rawPairWs();
  for (const code of [600, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535])
    expect(await failure(async () => connection.close(code))).toMatchObject({
      code: 'ERR_QW_OPTION_INVALID',
    });
});

it('cuts a reason at 123 bytes, not inside of a character', async () => {
  const { peer, connection } = await rawPairWs();
  void connection.close(0, `${'x'.repeat(121)}€€€`);
  await peer.ended();
  expect(peer.closing).toEqual([1000, 'x'.repeat(121)]);
  const other = await rawPairWs();
  void other.connection.close(0, `${'x'.repeat(120)}€€€`);
  await other.peer.ended();
  expect(other.peer.closing).toEqual([1000, `${'x'.repeat(120)}€`]);
});

it('goes both ways between our own ends', async () => {
  const server = await serve({}, WS);
  const arrived = next(server, 'connection');
  const client = await call(server, { reconnect: false });
  const [connection] = await arrived;
  const closed = next(client, 'close');
  await connection.close(CloseCode.taken_over, 'elsewhere');
  expect(await closed).toEqual([CloseCode.taken_over, 'elsewhere', true]);
});

it('sends what is queued first, and answers what came before the close of the peer', async () => {
  const server = await serve({ codec: 'json' }, WS);
  server.on('message', (message, connection) => connection.send(message));
  const client = await call(server, { codec: 'json', reconnect: false });
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  const frames = Array.from({ length: 100 }, (_, i) => wsFrame(String(i), { mask: true }));
  peer.write(Buffer.concat([...frames, closeFrame(1000, '', true)]));
  await peer.ended();
  expect(peer.messages.map(Number)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  const received = collect(server, 'message', 1000);
  for (let i = 0; i < 1000; i += 1) client.send(i);
  await client.close();
  expect((await received).at(-1)).toBe(999);
});

it('delivers what was held before it tells of the end', async () => {
  const { peer, connection } = await rawPairWs();
  peer.write(Buffer.concat([wsFrame('a', { mask: true }), closeFrame(4001, 'bye', true)]));
  await until(() => peer.closing !== undefined || peer.isClosed, 'the answer', 2000).catch(() => {});
  const seen: unknown[] = [];
  connection.on('close', (...values: unknown[]) => seen.push(values));
  connection.on('message', (message: unknown) => seen.push(message));
  await until(() => seen.length === 2, 'both');
  expect(seen).toEqual(['a', [4001, 'bye', true]]);
});

it('is unclean without a close frame', async () => {
  for (const leave of [(peer: RawPeer) => peer.socket.end(), (peer: RawPeer) => peer.reset()]) {
    const { server, peer, connection } = await rawPairWs();
    connection.on('message', () => {});
    const closed = next(connection, 'close');
    leave(peer);
    const [code, , clean] = await closed;
    expect([code, clean]).toEqual([CloseCode.timeout, false]);
    expect(server.errors.map((error) => error.code)).toEqual(['ERR_QW_CONNECTION_LOST']);
  }
});

it('discards what comes after our close frame, and cuts a peer that never answers it', async () => {
  const { server, peer, connection } = await rawPairWs({ closeTimeoutMs: 200 });
  let received = 0;
  connection.on('message', () => (received += 1));
  const closed = next(connection, 'close');
  void connection.close(3, 'tired');
  await peer.ended();
  const block = wsFrame(Buffer.alloc(60_000), { mask: true });
  for (let i = 0; i < 100; i += 1) peer.write(block);
  expect(await closed).toEqual([3, 'tired', false]);
  expect(received).toBe(0);
  expect(server.errors.map((error) => error.code)).toEqual(['ERR_QW_CLOSE_TIMEOUT']);
  await peer.closed();
});

it('can be followed by terminate in the same tick', async () => {
  const { peer, connection } = await rawPairWs();
  const closed = next(connection, 'close');
  connection.send('x');
  void connection.close(4, 'first');
  connection.terminate(5, 'second');
  expect((await closed)[2]).toBe(false);
  await peer.closed();
});

it('answers pings, also while nobody listens', async () => {
  const { peer } = await rawPairWs();
  peer.write(wsFrame('are you there?', { opcode: OPCODE.ping, mask: true }));
  await until(() => peer.frames.length === 1, 'the pong');
  expect(peer.frames[0]).toMatchObject({ opcode: OPCODE.pong, payload: Buffer.from('are you there?') });
});

it('that is terminated in the same tick is a reset', async () => {
  const { peer, connection } = await rawPairWs();
  const closed = next(connection, 'close');
  void connection.close(4001, 'banned');
  connection.terminate();
  expect(await closed).toEqual([0, '', false]);
  await peer.closed();
  expect(peer.closing).toBeUndefined();
  expect(peer.error?.code).toBe('ECONNRESET');
});

it('after too many control frames ends the stream, and is told as that whatever the peer does', async () => {
  for (const ends of [true, false]) {
    const options = { controlBurst: 10, controlPerSecond: 1, closeTimeoutMs: 300 };
    const { server, peer, connection } = await rawPairWs(options);
    if (!ends) peer.socket.removeAllListeners('end');
    let isOver = false;
    peer.socket.once('end', () => (isOver = true));
    const closed = next(connection, 'close');
    peer.write(Buffer.concat(times(20, wsFrame('', { opcode: OPCODE.ping, mask: true }))));
    await until(() => isOver, 'the end of the stream');
    expect(peer.closing?.[0]).toBe(1008);
    expect((await closed)[2]).toBe(false);
    expect(server.errors.map(({ code }) => code)).toEqual(['ERR_QW_FLOOD']);
  }
});
