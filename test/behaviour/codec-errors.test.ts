/** Payloads that do not decode, messages that do not encode: typed, on their connection, and the stream goes on. */
import { describe, expect, it, vi } from 'vitest';
import { pair, rawPair } from '../support/scene.js';
import { collect, next, until } from '../support/wait.js';

const bad = {
  text: Buffer.from([0xff, 0xfe, 0x80]),
  json: Buffer.from('{"half":'),
  cbor: Buffer.from([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  msgpack: Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
} as const;
const good = {
  text: Buffer.from('ok'),
  json: Buffer.from('"ok"'),
  cbor: Buffer.from([0x62, 0x6f, 0x6b]),
  msgpack: Buffer.from([0xa2, 0x6f, 0x6b]),
};

describe.each(Object.keys(bad) as (keyof typeof bad)[])('codec %s', (codec) => {
  it('raises an error with length and code, and stays in step', async () => {
    const { connection, peer } = await rawPair({ codec });
    const errors: any[] = [];
    connection.on('error', (error) => errors.push(error));
    const received = collect(connection, 'message', 3);
    for (const payload of [good[codec], bad[codec], good[codec], bad[codec], good[codec]]) peer.send(payload);
    expect(await received).toEqual(['ok', 'ok', 'ok']);
    expect(errors).toHaveLength(2);
    expect(errors[0]).toMatchObject({ code: 'ERR_QW_DECODE', details: { bytes: bad[codec].length, codec } });
    expect(connection.state).toBe('open');
    expect(connection.stats()).toMatchObject({ undecodable: 2, received: { messages: 5 } });
  });
});

it('goes to the server when the connection has no listener', async () => {
  const { server, connection, peer } = await rawPair({ codec: 'json' });
  server.on('message', () => {});
  const reported = next(server, 'error');
  peer.send('nonsense');
  const [error, from] = await reported;
  expect(error.code).toBe('ERR_QW_DECODE');
  expect(from).toBe(connection);
});

it('is a rate-limited warning when nobody listens at all, and never an exception', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    const { server, peer } = await rawPair({ codec: 'json' });
    server.removeAllListeners('error');
    const received = next(server, 'message');
    for (let i = 0; i < 50; i += 1) peer.send('nonsense');
    peer.send('"fine"');
    expect((await received)[0]).toBe('fine');
    const codes = (warn.mock.calls as unknown[][]).map(([, , code]) => code);
    expect(codes.filter((code) => code === 'ERR_QW_DECODE')).toHaveLength(1);
    expect(server.emit('error', new Error('by hand') as never)).toBe(false);
  } finally {
    warn.mockRestore();
  }
});

it('throws from send what does not encode', async () => {
  const { client, server } = await pair({ codec: 'json' });
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  for (const message of [cycle, undefined, () => {}, 1n]) {
    expect(() => client.send(message)).toThrow(expect.objectContaining({ code: 'ERR_QW_ENCODE' }));
  }
  const received = next(server, 'message');
  client.send('fine');
  expect((await received)[0]).toBe('fine');
  expect(client.stats().accepted.messages).toBe(1);
});

it('takes bytes of every kind and strings with the codec buffer, and nothing else', async () => {
  const { client, server } = await pair();
  const received = collect<Buffer>(server, 'message', 4);
  client.send('text');
  client.send(new Uint8Array([1, 2]));
  client.send(new Uint16Array([1]));
  client.send(new ArrayBuffer(3));
  expect((await received).map(({ length }) => length)).toEqual([4, 2, 2, 3]);
  for (const message of [7, null, undefined, {}, [1, 2], true]) {
    expect(() => client.send(message as never)).toThrow(expect.objectContaining({ code: 'ERR_QW_ENCODE' }));
  }
});

it('contains what a custom codec throws', async () => {
  const codec = {
    name: 'moody',
    encode(message: string) {
      if (message === 'no') throw new Error('I will not');
      return message;
    },
    decode(payload: Buffer) {
      if (payload.length === 3) throw new Error('three is too many');
      return payload.toString();
    },
  };
  const { client, connection } = await pair({ codec });
  const errors: any[] = [];
  connection.on('error', (error) => errors.push(error));
  const seen: string[] = [];
  connection.on('message', (message) => seen.push(message));
  expect(() => client.send('no')).toThrow(expect.objectContaining({ code: 'ERR_QW_ENCODE' }));
  for (const text of ['a', 'abc', 'b']) client.send(text);
  await until(() => seen.length === 2, 'the others');
  expect(seen).toEqual(['a', 'b']);
  expect(errors.map(({ code, cause }) => [code, cause.message])).toEqual([
    ['ERR_QW_DECODE', 'three is too many'],
  ]);
});
