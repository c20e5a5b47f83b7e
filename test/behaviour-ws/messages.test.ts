/** Text and binary over WebSocket, in every codec. */
import { expect, it } from 'vitest';
import { call, cleanUp, echo, serve } from '../support/scene.js';
import { RawPeer } from '../support/raw-peer.js';
import { collect, failure, next, until } from '../support/wait.js';
import { OPCODE, wsFrame } from '../support/ws-frames.js';

const WS = 'ws://127.0.0.1:0/';

it.each([{}, { copy: true }])('gives text as strings and binary as buffers with %j', async (options) => {
  const server = await serve(options, WS);
  echo(server);
  const client = await call(server, options);
  const back = collect(client, 'message', 4);
  client.send('grüße');
  client.send(Buffer.from([1, 2, 3]));
  client.send('');
  client.send(Buffer.alloc(0));
  expect(await back).toEqual(['grüße', Buffer.from([1, 2, 3]), '', Buffer.alloc(0)]);
  expect([client.carrier, client.protocol, client.subprotocol]).toEqual(['ws', 'raw', '']);
});

it('sends as text or binary what it is told to', async () => {
  const server = await serve({}, WS);
  const received = collect(server, 'message', 4);
  const client = await call(server);
  client.send('text', { text: false });
  client.send(Buffer.from('bytes'), { text: true });
  client.send(new Uint16Array([0x4141]), { text: true });
  client.send('both', { text: true });
  expect(await received).toEqual([Buffer.from('text'), 'bytes', 'AA', 'both']);
  expect(await failure(async () => client.send(Buffer.from([0xff]), { text: true }))).toMatchObject({
    code: 'ERR_QW_ENCODE',
  });
  expect(await failure(async () => client.send('x', { text: 1 as never }))).toMatchObject({
    code: 'ERR_QW_OPTION_INVALID',
  });
});

it.each([
  ['text', 'grüße', OPCODE.text],
  ['json', { a: ['ü', null] }, OPCODE.text],
  ['cbor', { a: 1 }, OPCODE.binary],
  ['msgpack', [1, 'two'], OPCODE.binary],
  ['buffer', 'text', OPCODE.text],
  ['buffer', Buffer.from('bytes'), OPCODE.binary],
])('with the codec %s %j goes out in frames of opcode %d', async (codec, message, opcode) => {
  const server = await serve({ codec: codec as never }, WS);
  server.on('connection', (connection) => connection.send(message));
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  await until(() => peer.frames.length === 1, 'the frame');
  expect(peer.frames[0]).toMatchObject({ fin: true, rsv: 0, opcode, isMasked: false });
  const client = await call(server, { codec: codec as never });
  expect(await next(client, 'message')).toEqual([message]);
});

it('decodes the payload whichever kind it was', async () => {
  const server = await serve({ codec: 'json' }, WS);
  const received = collect(server, 'message', 2);
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  peer.write(wsFrame('{"a":1}', { mask: true }));
  peer.write(wsFrame(Buffer.from('{"a":2}'), { mask: true }));
  expect(await received).toEqual([{ a: 1 }, { a: 2 }]);
});

it('puts the parts of a message together, with control frames between them', async () => {
  const server = await serve({}, WS);
  const received = collect(server, 'message', 2);
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  const part = (text: string, opcode: number, fin: boolean) => wsFrame(text, { mask: true, opcode, fin });
  const bytes = Buffer.concat([
    part('gr', OPCODE.text, false),
    part('p', OPCODE.ping, true),
    wsFrame(Buffer.from('ü').subarray(0, 1), { mask: true, opcode: 0, fin: false }),
    wsFrame(Buffer.from('ü').subarray(1), { mask: true, opcode: 0, fin: false }),
    part('ße', OPCODE.continuation, true),
    part('next', OPCODE.binary, true),
  ]);
  for (const byte of bytes) peer.write(Buffer.from([byte]));
  expect(await received).toEqual(['grüße', Buffer.from('next')]);
  await until(() => peer.frames.length === 1, 'the pong');
});

it('reads no further than one message while nobody listens', async () => {
  const server = await serve({}, WS);
  const arrived = next(server, 'connection');
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  const [connection] = await arrived;
  const block = wsFrame(Buffer.alloc(64 * 1024), { mask: true });
  for (let i = 0; i < 500; i += 1) peer.write(block);
  await until(() => connection.state === 'open' && peer.socket.writableLength > 0, 'a full way');
  let received = 0;
  connection.on('message', () => (received += 1));
  await until(() => received === 500, 'everything');
});
