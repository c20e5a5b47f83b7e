/** permessage-deflate: negotiated, off by default, and honest about sizes. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { call, cleanUp, echo, serve } from '../support/scene.js';
import { RawPeer } from '../support/raw-peer.js';
import { collect, until } from '../support/wait.js';
import { OPCODE, openingRequest, wsFrame } from '../support/ws-frames.js';

const WS = 'ws://127.0.0.1:0/';

async function answerTo(options: object, offer: string): Promise<string> {
  const server = await serve(options, WS);
  const { connect } = await import('node:net');
  const peer = new RawPeer(connect(Number(new URL(server.addresses[0]).port), '127.0.0.1'), 'ws-client');
  cleanUp(() => peer.destroy());
  peer.write(openingRequest('/', 'h', [`Sec-WebSocket-Extensions: ${offer}`]));
  await until(() => peer.head !== '', 'the answer');
  expect(peer.head).toMatch(/^HTTP\/1\.1 101/);
  return /sec-websocket-extensions: ([^\r]*)/i.exec(peer.head)?.[1] ?? '';
}

it('is off unless both want it', async () => {
  expect(await answerTo({}, 'permessage-deflate')).toBe('');
  expect(await answerTo({ deflate: true }, 'x-unknown')).toBe('');
  expect(await answerTo({ deflate: true }, 'permessage-deflate')).toBe('permessage-deflate');
});

it('agrees to windows and to beginning anew', async () => {
  const all =
    'permessage-deflate; server_max_window_bits=10; client_max_window_bits; server_no_context_takeover';
  const answer = await answerTo({ deflate: { clientMaxWindowBits: 11, clientNoContextTakeover: true } }, all);
  for (const part of [
    'server_max_window_bits=10',
    'client_max_window_bits=11',
    'server_no_context_takeover',
    'client_no_context_takeover',
  ])
    expect(answer).toContain(part);
  expect(await answerTo({ deflate: { clientMaxWindowBits: 11 } }, 'permessage-deflate')).toBe(
    'permessage-deflate',
  );
});

/** What a server says to an offer; empty: the connection is uncompressed. */
it.each([
  [{}, '; foo', ''],
  [{}, '; foo, permessage-deflate', 'permessage-deflate'],
  [{}, '; foo=1, permessage-deflate; client_no_context_takeover', '; client_no_context_takeover'],
  [{}, '; server_max_window_bits', ''],
  [{}, '; server_max_window_bits=16', ''],
  [{}, '; server_max_window_bits=08', ''],
  [{}, '; server_max_window_bits=8', ''],
  [
    {},
    '; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9',
    '; server_max_window_bits=9',
  ],
  [{}, '; server_max_window_bits="10"', '; server_max_window_bits=10'],
  [{}, '; server_no_context_takeover; server_no_context_takeover', ''],
  [{}, '; server_no_context_takeover=1', ''],
  [{}, '; client_max_window_bits', 'permessage-deflate'],
  [{}, '; client_max_window_bits=8', '; client_max_window_bits=8'],
  [{ serverMaxWindowBits: 10 }, '; server_max_window_bits=12', '; server_max_window_bits=10'],
  [{ serverMaxWindowBits: 10 }, '; server_max_window_bits=15', '; server_max_window_bits=10'],
  [{ serverMaxWindowBits: 12 }, '; server_max_window_bits=10', '; server_max_window_bits=10'],
  [{ clientMaxWindowBits: 10 }, '; client_max_window_bits=12', '; client_max_window_bits=10'],
  [{ clientMaxWindowBits: 12 }, '; client_max_window_bits=9', '; client_max_window_bits=9'],
  [{ clientMaxWindowBits: 12 }, '', 'permessage-deflate'],
])('with %j answers an offer %j by %j', async (deflate, offer, answer) => {
  const whole = answer.startsWith(';') ? `permessage-deflate${answer}` : answer;
  expect(await answerTo({ deflate }, `permessage-deflate${offer}`)).toBe(whole);
});

it('sends what it agreed to', async () => {
  const server = await serve({ deflate: { threshold: 0 } }, WS);
  server.on('connection', (connection) => connection.send('long '.repeat(1000)));
  const { connect } = await import('node:net');
  const peer = new RawPeer(connect(Number(new URL(server.addresses[0]).port), '127.0.0.1'), 'ws-client');
  cleanUp(() => peer.destroy());
  const offers = 'permessage-deflate; foo, permessage-deflate; server_max_window_bits=9';
  peer.write(openingRequest('/', 'h', [`Sec-WebSocket-Extensions: ${offers}`]));
  await until(() => peer.frames.length === 1, 'the message');
  const bytes = Buffer.concat([peer.frames[0].payload, Buffer.from([0, 0, 0xff, 0xff])]);
  const options = { windowBits: 9, finishFlush: constants.Z_SYNC_FLUSH };
  expect(inflateRawSync(bytes, options).toString()).toBe('long '.repeat(1000));
});

it.each([
  [{ deflate: true }, { deflate: true }],
  [{ deflate: { level: 1, threshold: 0 } }, { deflate: { clientNoContextTakeover: true } }],
  [{ deflate: { serverNoContextTakeover: true, serverMaxWindowBits: 9 } }, { deflate: true }],
  [{ deflate: true }, { deflate: { clientMaxWindowBits: 9, serverMaxWindowBits: 10 } }],
  [{ deflate: true }, {}],
])('echoes with %j and %j', async (serverOptions, clientOptions) => {
  const server = await serve(serverOptions, WS);
  echo(server);
  const client = await call(server, clientOptions);
  const sent = Array.from({ length: 60 }, (_, i) =>
    i % 3 === 0 ? 'text '.repeat(i * 50) : Buffer.alloc(i * 500, i),
  );
  const back = collect(client, 'message', sent.length);
  for (const message of sent) client.send(message);
  (await back).forEach((message, i) => {
    expect(typeof message).toBe(typeof sent[i] === 'string' ? 'string' : 'object');
    expect(Buffer.from(message).equals(Buffer.from(sent[i] as string))).toBe(true);
  });
  await client.flushed();
  expect(client.bufferedAmount).toBe(0);
});

it('saves bytes, and leaves short messages alone', async () => {
  const server = await serve({ deflate: true }, WS);
  const peer = await (async () => {
    const { connect } = await import('node:net');
    return new RawPeer(connect(Number(new URL(server.addresses[0]).port), '127.0.0.1'), 'ws-client');
  })();
  cleanUp(() => peer.destroy());
  server.on('connection', (connection) => {
    connection.send('short');
    connection.send('long '.repeat(1000));
  });
  peer.write(openingRequest('/', 'h', ['Sec-WebSocket-Extensions: permessage-deflate']));
  await until(() => peer.frames.length === 2, 'both');
  const [short, long] = peer.frames;
  expect([short.rsv, String(short.payload)]).toEqual([0, 'short']);
  expect(long.rsv).toBe(4);
  expect(long.payload.length).toBeLessThan(200);
});

it('reads nothing behind a fault that follows a message which takes long to inflate', async () => {
  // What came meanwhile, in chunks of its own, was parsed all the same: an exception ended the process.
  const server = await serve({ deflate: true }, WS);
  const seen: unknown[] = [];
  server.on('message', (message: Buffer) => seen.push(message.length));
  server.on('connection', (connection) => connection.on('close', (code) => seen.push(code)));
  const { connect } = await import('node:net');
  const socket = connect({
    port: Number(new URL(server.addresses[0]).port),
    host: '127.0.0.1',
    noDelay: true,
  });
  const peer = new RawPeer(socket, 'ws-client');
  cleanUp(() => peer.destroy());
  peer.write(openingRequest('/', 'h', ['Sec-WebSocket-Extensions: permessage-deflate']));
  await until(() => peer.head !== '', 'the answer');
  const long = deflateRawSync(Buffer.alloc(4_000_000), { finishFlush: constants.Z_SYNC_FLUSH });
  const chunks = [
    wsFrame(long.subarray(0, -4), { rsv: 4, mask: true }),
    wsFrame(Buffer.from('no text \xff', 'latin1'), { opcode: OPCODE.text, mask: true }),
    wsFrame('void', { mask: true }),
    wsFrame('void', { mask: true }),
  ];
  for (const chunk of chunks) {
    peer.write(chunk);
    await new Promise(setImmediate);
  }
  await until(() => seen.length === 2, 'the end');
  expect(seen).toEqual([4_000_000, 1007]);
  await until(() => peer.closing !== undefined, 'the close frame');
  expect(peer.closing?.[0]).toBe(1007);
  expect(server.errors.map((error) => error.code)).toEqual(['ERR_QW_INVALID_UTF8']);
});
