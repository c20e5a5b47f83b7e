/** A message above the limit ends its connection at the header: before a byte of it is kept. */
import { CloseCode } from 'qwormhole';
import { expect, it } from 'vitest';
import { echo, rawPair, rawServed, takeSlowly } from '../support/scene.js';
import { frame } from '../support/frames.js';
import { next, until } from '../support/wait.js';

const header = (length: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
};

it.each([1001, 1 << 20, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])(
  'of %d bytes is refused by a server',
  async (length) => {
    const { server, peer, connection } = await rawPair({ maxMessage: 1000 });
    const seen: string[] = [];
    server.on('message', (message) => seen.push(String(message)));
    const closed = next(connection, 'close');
    peer.write(Buffer.concat([frame('fine'), header(length), Buffer.from('whatever')]));
    const [code, , clean] = await closed;
    expect([code, clean]).toEqual([CloseCode.too_big, false]);
    expect(seen).toEqual(['fine']);
    expect(server.errors.map((error) => error.code)).toEqual(['ERR_QW_TOO_BIG']);
    expect(server.errors[0].message).toMatch(/\b1000\b/);
    expect(server.errors[0].details).toEqual({ size: length, limit: 1000 });
    await peer.closed();
  },
);

it('is refused by a client', async () => {
  const { client, peer } = await rawServed({ maxMessage: 1000, reconnect: false });
  client.on('message', () => {});
  const closed = next(client, 'close');
  peer.write(header(1001));
  expect((await closed)[0]).toBe(CloseCode.too_big);
  expect(client.errors.map(({ code }) => code)).toEqual(['ERR_QW_TOO_BIG']);
});

it('is not one of exactly the limit', async () => {
  const { server, peer } = await rawPair({ maxMessage: 1000 });
  echo(server);
  peer.send(Buffer.alloc(1000, 1));
  expect((await peer.receivedBytes(1004)).length).toBe(1004);
});

it('is what a request of another protocol looks like', async () => {
  const { server, peer, connection } = await rawPair();
  server.on('message', () => {});
  const closed = next(connection, 'close');
  peer.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect((await closed)[0]).toBe(CloseCode.too_big);
});

it('harms no other connection', async () => {
  const { server, peer } = await rawPair({ maxMessage: 1000 });
  echo(server);
  const { RawPeer } = await import('../support/raw-peer.js');
  const witness = await RawPeer.connect(server.addresses[0]);
  peer.write(header(5000));
  await peer.closed();
  witness.send('still here');
  expect(String((await witness.receivedBytes(14)).subarray(4))).toBe('still here');
  witness.destroy();
});

it.each(['paused', 'slow loop'])('comes after messages that wait: %s', async (how) => {
  const { server, peer, connection } = await rawPair({ codec: 'text', maxMessage: 1000 });
  const seen = takeSlowly(connection, how === 'paused');
  const closed = next(connection, 'close');
  // More than a loop holds.
  const many = Array.from({ length: 300 }, (_, i) => String(i));
  peer.write(Buffer.concat([...many.map(frame), header(1001)]));
  expect((await closed)[0]).toBe(CloseCode.too_big);
  await until(() => seen.length === many.length, 'what came before');
  expect(seen).toEqual(many);
  expect(server.errors.map(({ code }) => code)).toEqual(['ERR_QW_TOO_BIG']);
});
