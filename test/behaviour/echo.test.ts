/** Messages there and back: every codec, sizes around every boundary, both protocols. */
import { describe, expect, it } from 'vitest';
import { call, echo, pair, rawPair, serve, onTcp } from '../support/scene.js';
import { frame } from '../support/frames.js';
import { collect, until } from '../support/wait.js';

const values = {
  buffer: [Buffer.from('bytes'), Buffer.alloc(0), Buffer.from([0, 255, 128])],
  text: ['text', '', 'grüße 🙂', 'x'.repeat(5000)],
  json: [{ a: [1, 'two', null] }, 7, 'str', [], null, true],
  cbor: [{ a: [1, 'two', null] }, 7, 'str', [], -1.5],
  msgpack: [{ a: [1, 'two', null] }, 7, 'str', [], -1.5],
};

describe.each(Object.entries(values))('codec %s', (codec, messages) => {
  it('gives back what was sent, in order', async () => {
    const { server, client } = await pair({ codec: codec as never });
    echo(server);
    const echoed = collect(client, 'message', messages.length);
    for (const message of messages) expect(client.send(message as never)).toBe('sent');
    expect(await echoed).toEqual(messages);
  });
});

it('carries messages of every size', async () => {
  const { server, client } = await pair();
  echo(server);
  const sizes = [
    0,
    1,
    2,
    3,
    4,
    63,
    4095,
    4096,
    16_383,
    16_384,
    65_531,
    65_532,
    65_536,
    131_068,
    131_072,
    262_144,
    1_000_003,
    4 << 20,
  ];
  for (const size of sizes) {
    const message = Buffer.alloc(size, size % 251);
    const [back] = await Promise.all([
      collect<Buffer>(client, 'message', 1),
      client.drained().then(() => client.send(message)),
    ]);
    expect(back[0].length).toBe(size);
    expect(back[0].equals(message)).toBe(true);
  }
});

it('keeps the order of small and large messages mixed', async () => {
  const { server, client } = await pair();
  echo(server);
  const sizes = Array.from({ length: 300 }, (_, i) => (i % 50 === 49 ? 70_000 : (i * 37) % 500));
  const echoed = collect<Buffer>(client, 'message', sizes.length);
  sizes.forEach((size, i) => client.send(Buffer.alloc(size, i)));
  (await echoed).forEach((message, i) => expect(message.equals(Buffer.alloc(sizes[i], i))).toBe(true));
});

it('lets the caller reuse its bytes at once', async () => {
  const { server, client } = await pair();
  const received = collect<Buffer>(server, 'message', 3);
  const bytes = Buffer.from('first');
  client.send(bytes);
  bytes.write('secon');
  client.send(bytes);
  bytes.write('third');
  client.send(bytes);
  bytes.fill(0);
  expect((await received).map(String)).toEqual(['first', 'secon', 'third']);
});

it('gives views that stay valid', async () => {
  const { client, server } = await pair();
  const received = collect<Buffer>(server, 'message', 2000);
  for (let i = 0; i < 2000; i += 1) client.send(`message ${i}`);
  (await received).forEach((message, i) => expect(String(message)).toBe(`message ${i}`));
});

it('copies each message into memory of its own when told so', async () => {
  const { client, server } = await pair({ copy: true });
  const received = collect<Buffer>(server, 'message', 3);
  for (const text of ['a', 'b', 'c']) client.send(Buffer.from(text));
  const messages = await received;
  expect(messages.map(String)).toEqual(['a', 'b', 'c']);
  for (const message of messages) message.fill(0);
  expect(messages.map((message) => message.length)).toEqual([1, 1, 1]);
});

onTcp('puts a length of four bytes in front of each message on the wire', async () => {
  const { server, peer } = await rawPair();
  echo(server);
  peer.send('ping');
  expect(await peer.receivedBytes(8)).toEqual(frame('ping'));
});

onTcp('understands frames however they are cut', async () => {
  const { server, peer } = await rawPair();
  echo(server);
  const sent = Buffer.concat([frame('one'), frame(''), frame('three'), frame(Buffer.alloc(300, 3))]);
  for (const byte of sent) {
    peer.write(Buffer.from([byte]));
    if (Math.random() < 0.2) await new Promise(setImmediate);
  }
  expect(await peer.receivedBytes(sent.length)).toEqual(sent);
});

it('passes chunks on as they come with protocol raw', async () => {
  const server = await serve({ protocol: 'raw', codec: 'text' });
  echo(server);
  const client = await call(server, { protocol: 'raw', codec: 'text' });
  let back = '';
  client.on('message', (chunk) => (back += chunk));
  client.send('no ');
  client.send('');
  client.send('frames');
  await until(() => back === 'no frames', 'the text');
});

it('serves many clients at once', async () => {
  const server = await serve({ codec: 'json' });
  echo(server);
  const clients = await Promise.all(Array.from({ length: 30 }, () => call(server, { codec: 'json' })));
  await Promise.all(
    clients.map(async (client, i) => {
      const echoed = collect(client, 'message', 50);
      for (let k = 0; k < 50; k += 1) client.send({ i, k });
      expect(await echoed).toEqual(Array.from({ length: 50 }, (_, k) => ({ i, k })));
    }),
  );
  expect(server.getConnectionCount()).toBe(30);
});
