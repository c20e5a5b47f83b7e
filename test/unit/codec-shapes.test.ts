import { expect, expectTypeOf, test } from 'vitest';
import { CODEC_NAMES, codecFor, isRawCodec } from '../../ts/codec/builtin.js';
import type { Codec, CodecInput, CodecMessage } from '../../ts/codec/codec.js';
import { QWormholeError } from '../../ts/errors/error.js';

const bytes = (codec: Codec, message: unknown): Buffer => Buffer.from(codec.encode(message) as string);

function fault(action: () => unknown): QWormholeError {
  try {
    action();
  } catch (error) {
    if (error instanceof QWormholeError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('buffer takes bytes in every form and strings, and gives a Buffer', () => {
  const codec = codecFor('buffer');
  const memory = new Uint8Array([0, 1, 2, 3, 4, 5]).buffer;
  for (const message of [
    Buffer.from([2, 3]),
    new Uint8Array(memory, 2, 2),
    new DataView(memory, 2, 2),
    new Uint16Array(memory, 2, 1),
    memory.slice(2, 4),
    '\u0002\u0003',
  ]) {
    expect(bytes(codec, message)).toEqual(Buffer.from([2, 3]));
  }
  const payload = Buffer.from('x');
  expect(codec.decode(payload)).toBe(payload);
  expect(bytes(codec, '')).toHaveLength(0);
});

test('text is checked UTF-8', () => {
  const codec = codecFor('text');
  for (const text of ['', 'a', 'žluťoučký 🐎', '\ufeffwith a byte order mark', 'a real \ufffd', '\0']) {
    expect(codec.decode(bytes(codec, text))).toBe(text);
  }
  for (const hex of ['ff', 'c0af', 'eda080', 'f4908080', '61c3', 'e282']) {
    const error = fault(() => codec.decode(Buffer.from(hex, 'hex')));
    expect(error).toMatchObject({ code: 'ERR_QW_DECODE', details: { bytes: hex.length / 2, codec: 'text' } });
  }
});

test('what a codec does not take throws ERR_QW_ENCODE at once', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const wrong: [Parameters<typeof codecFor>[0], unknown[]][] = [
    ['buffer', [7, null, undefined, {}, [1, 2], true, () => 1]],
    ['text', [7, null, undefined, Buffer.from('x'), {}]],
    ['json', [undefined, () => 1, Symbol('x'), 7n, cyclic, { big: 7n }, { toJSON: () => undefined }]],
    [
      'cbor',
      [
        () => 1,
        Symbol('x'),
        cyclic,
        2n ** 64n,
        new Set([1]),
        Promise.resolve(1),
        new Date(NaN),
        new Map([[1, 2]]),
      ],
    ],
    [
      'msgpack',
      [
        undefined,
        () => 1,
        Symbol('x'),
        cyclic,
        2n ** 64n,
        -(2n ** 63n) - 1n,
        new Set([1]),
        /x/,
        new Error('x'),
      ],
    ],
  ];
  for (const [name, messages] of wrong) {
    const codec = codecFor(name);
    for (const message of messages) {
      const error = fault(() => codec.encode(message));
      expect(error).toMatchObject({ code: 'ERR_QW_ENCODE', details: { codec: name } });
      expect(error.cause).toBeDefined();
    }
  }
});

test('what a getter or toJSON throws is the cause', () => {
  const thrown = new Error('mine');
  const message = {
    get bad(): never {
      throw thrown;
    },
  };
  for (const name of ['json', 'cbor', 'msgpack'] as const) {
    expect(fault(() => codecFor(name).encode(message)).cause).toBe(thrown);
  }
});

test('an error of decoding does not quote the payload', () => {
  const error = fault(() => codecFor('json').decode(Buffer.from('secret-token')));
  expect(error.message).toContain('A payload of 12 bytes does not decode with the codec json');
  expect(error.message).not.toContain('secret');
});

test('a custom codec is guarded like the others', () => {
  const shout: Codec<string> = {
    name: 'shout',
    encode: (message) => message.toUpperCase(),
    decode: (payload) => {
      if (payload.length === 0) throw new RangeError('empty');
      return payload.toString().toLowerCase();
    },
  };
  const codec = codecFor(shout);
  expect(codec.decode(bytes(codec, 'hi'))).toBe('hi');
  expect(fault(() => codec.encode(7))).toMatchObject({ code: 'ERR_QW_ENCODE', details: { codec: 'shout' } });
  expect(fault(() => codec.decode(Buffer.alloc(0)))).toMatchObject({
    code: 'ERR_QW_DECODE',
    details: { bytes: 0, codec: 'shout' },
    cause: { message: 'empty' },
  });
});

test('a custom codec keeps its this', () => {
  class Counting implements Codec<string> {
    readonly name = 'counting';
    #count = 0;
    encode(message: string): string {
      return `${++this.#count}:${message}`;
    }
    decode(payload: Buffer): string {
      return payload.toString();
    }
  }
  const codec = codecFor(new Counting());
  expect([codec.encode('a'), codec.encode('b')]).toEqual(['1:a', '2:b']);
});

test('an encode that gives neither text nor bytes is ERR_QW_ENCODE', () => {
  for (const result of [undefined, null, 7, {}, [1], new ArrayBuffer(1), Promise.resolve('x')]) {
    const codec = codecFor({ name: 'odd', encode: () => result as never, decode: String });
    expect(fault(() => codec.encode('x'))).toMatchObject({
      code: 'ERR_QW_ENCODE',
      details: { codec: 'odd' },
    });
  }
});

test('an object that is no codec is refused at construction', () => {
  const encode = () => '';
  const decode = () => 1;
  for (const option of [
    null,
    7,
    'Json',
    '__proto__',
    'toString',
    {},
    { name: 'x' },
    { name: 'x', encode },
    { name: 'x', encode, decode: 'no' },
    { name: '', encode, decode },
    { name: 'n'.repeat(33), encode, decode },
    { encode, decode },
  ]) {
    expect(fault(() => codecFor(option as never))).toMatchObject({ code: 'ERR_QW_OPTION_INVALID' });
  }
  expect(fault(() => codecFor('jsn' as never)).message).toContain('did you mean json?');
});

test('only the built-in buffer and text make sense of raw chunks', () => {
  expect(CODEC_NAMES.filter((name) => isRawCodec(codecFor(name)))).toEqual(['buffer', 'text']);
  expect(isRawCodec(codecFor({ name: 'text', encode: String, decode: String }))).toBe(false);
});

test('the codec says the type of messages', () => {
  expectTypeOf<CodecMessage<'buffer'>>().toEqualTypeOf<Buffer>();
  expectTypeOf<CodecMessage<'text'>>().toEqualTypeOf<string>();
  expectTypeOf<CodecMessage<'json'>>().toBeAny();
  expectTypeOf<CodecMessage<Codec<{ a: number }>>>().toEqualTypeOf<{ a: number }>();
  expectTypeOf<string>().toExtend<CodecInput<'buffer'>>();
  expectTypeOf<DataView>().toExtend<CodecInput<'buffer'>>();
  expectTypeOf<CodecInput<'text'>>().toEqualTypeOf<string>();
  expectTypeOf<CodecInput<Codec<Date>>>().toEqualTypeOf<Date>();
});
