/** What those read who are not let in, or whose connection ends by a fault: the same on both backends. */
import { connect, type QWormholeError } from 'qwormhole';
import { describe, expect, it } from 'vitest';
import { KIND, qwhFrame } from '../support/qwh-frames.js';
import { StreamPeer } from '../support/qwh-peer.js';
import { CARRIER, onTcp, serve } from '../support/scene.js';
import { failure, next, until } from '../support/wait.js';

const ONCE = { reconnect: false } as const;
const GOAWAY = 0x03;
/** Behind the length of the record, the header of the frame, and what a GOAWAY has before its reason. */
const REASON_AT = 2 + 8 + 10;

/** A server that refuses, and what both ends were told. */
async function refused(
  serverOptions: object,
  clientOptions: object,
): Promise<{ here: QWormholeError; there: QWormholeError }> {
  const server = await serve(serverOptions);
  const told = next(server, 'handshakeError');
  const there = await failure(() => connect(server.addresses[0], { ...ONCE, ...clientOptions }));
  const [here] = await told;
  return { here, there };
}

it('names the codecs that differ, on both ends', async () => {
  const { here, there } = await refused({ codec: 'json' }, { codec: 'cbor' });
  expect(here.message).toContain(
    'The peer was refused with code 23: the codecs differ: json here, cbor there.',
  );
  expect(there.message).toContain('code 23: the codecs differ: cbor here, json there.');
  expect(here.details).toMatchObject({ closeCode: 23, codec: 'json', peerCodec: 'cbor' });
  expect(there.details).toMatchObject({ closeCode: 23, codec: 'cbor', peerCodec: 'json' });
});

it('names the capabilities that are missing, and where', async () => {
  const { here, there } = await refused(
    { offeredCaps: 0b101n << 32n, requiredCaps: 0b101n << 32n },
    { offeredCaps: 0b1n << 32n },
  );
  expect(here.message).toContain('required capabilities are missing: bit 34 of the application there.');
  expect(there.message).toContain('required capabilities are missing: bit 34 of the application here.');
  expect(here.details).toMatchObject({
    closeCode: 5,
    lackingHere: '0x0000000000000000',
    lackingThere: '0x0000000400000000',
  });
  expect(there.details).toMatchObject({ lackingHere: '0x0000000400000000' });
});

// On WebSocket the opening handshake is refused before.
onTcp('can be tried again where the code says so', async () => {
  const server = await serve({ maxConnections: 1 });
  const first = await connect(server.addresses[0], ONCE);
  const busy = await failure(() => connect(server.addresses[0], ONCE));
  expect(busy).toMatchObject({ code: 'ERR_QW_HANDSHAKE_REFUSED', closeCode: 21, retriable: true });
  await first.close();
});

it('is not to be tried again where the verdict is no', async () => {
  const { there } = await refused({ verifyHandshake: () => false }, {});
  expect(there).toMatchObject({ closeCode: 4, retriable: false });
});

it('says what to do about a verifier that fails', async () => {
  const server = await serve({
    verifyHandshake: () => {
      throw new Error('out of tokens');
    },
  });
  await failure(() => connect(server.addresses[0], ONCE));
  await until(() => server.errors.length === 1, 'the error');
  const [error] = server.errors;
  expect(error.message).toContain('the function given as option verifyHandshake failed');
  expect(error.remedy).toContain('Correct that function');
  expect(error.message).not.toContain('carrier');
});

it("escapes a peer's reason in messages, and keeps it in the details", async () => {
  const reason = 'no\u001b[31m\r\nroot: logged in\0\u202e';
  const { here, there } = await refused({ verifyHandshake: () => ({ reason }) }, {});
  for (const { message, details } of [here, there]) {
    expect(message).toContain(String.raw`no\u001b[31m\u000d\u000aroot: logged in\u0000\u202e`);
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(details!.reason).toBe(reason);
  }
});

describe.skipIf(CARRIER !== 'tcp')('over a stream', () => {
  it('ends by a broken rule with the same reason on both ends', async () => {
    const server = await serve({});
    server.on('message', () => {});
    const arrived = next(server, 'connection');
    const peer = new StreamPeer(server.addresses[0]);
    const received: Buffer[] = [];
    peer.socket.on('data', (bytes) => received.push(bytes));
    const [connection] = await arrived;
    const closed = next(connection, 'close');
    const wrong = qwhFrame(KIND.data, Buffer.from('x'));
    // No flag that there is.
    wrong[1] = 0x80;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(wrong.length);
    peer.socket.write(Buffer.concat([length, wrong]));
    peer.socket.end();
    const [code, reason] = await closed;
    expect(code).toBe(2);
    await until(() => peer.isClosed, 'the end');
    const bytes = Buffer.concat(received);
    const goaway = bytes.subarray(bytes.lastIndexOf(Buffer.from([GOAWAY, 0])) - 2);
    expect(goaway.subarray(REASON_AT).toString()).toBe(reason);
    expect(reason).toMatch(/^[a-z].*[a-z]$/);
    expect(server.errors[0].details).toEqual({ closeCode: 2, reason });
  });

  it('says with whom a connection was lost that ends without a GOAWAY', async () => {
    const server = await serve({});
    server.on('message', () => {});
    const arrived = next(server, 'connection');
    const peer = new StreamPeer(server.addresses[0]);
    const [connection] = await arrived;
    const closed = next(connection, 'close');
    peer.socket.end();
    const [code, reason, clean] = await closed;
    const what = `${connection.remoteAddress}:${connection.remotePort}`;
    expect([code, clean]).toEqual([8, false]);
    expect(reason).toBe(`Lost the connection with ${what}: the peer ended the stream without a GOAWAY`);
    expect(server.errors[0]).toMatchObject({ code: 'ERR_QW_CONNECTION_LOST', details: { what } });
  });

  it('says who has left during a handshake', async () => {
    const server = await serve({});
    const told = next(server, 'handshakeError');
    const peer = new StreamPeer(server.addresses[0], false);
    await until(() => peer.hasMet, 'its HELLO');
    const what = `127.0.0.1:${peer.socket.localPort}`;
    peer.socket.end();
    const [error] = await told;
    expect(error).toMatchObject({ code: 'ERR_QW_CONNECTION_LOST', details: { what } });
    expect(error.message).toContain('The peer ended the connection during the handshake.');
  });
});
