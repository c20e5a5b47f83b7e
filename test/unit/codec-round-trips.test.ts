import * as msgpackLibrary from '@msgpack/msgpack';
import * as cborg from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecFor } from '../../ts/codec/builtin.js';
import { holds } from '../support/holds.js';

const cbor = codecFor('cbor');
const msgpack = codecFor('msgpack');
const json = codecFor('json');

const throughWire = (codec: typeof cbor, message: unknown) =>
  codec.decode(Buffer.from(codec.encode(message) as Buffer));
const hex = (bytes: string | Uint8Array) => Buffer.from(bytes as Uint8Array).toString('hex');

/** Values that JSON, CBOR and MessagePack all have, and their independent implementations too. */
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.string({ maxLength: 300 }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 20 }),
    // Objects that the generator makes have the prototype that decoded ones have.
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 20, noNullPrototype: true }),
  ),
})).value;

/** Without what the libraries of reference get wrong or refuse themselves. */
const forLibraries = plain.filter((value) => {
  const text = JSON.stringify(value);
  return !text.includes('__proto__') && !text.includes('\ufeff');
});

test.each([
  ['json', json],
  ['cbor', cbor],
  ['msgpack', msgpack],
] as const)('%s gives back what it was given', async (_, codec) => {
  await holds(
    fc.property(plain, (value) => {
      expect(throughWire(codec, value)).toEqual(value);
    }),
    { numRuns: 500 },
  );
});

test('an independent CBOR implementation reads ours, and we read its', async () => {
  await holds(
    fc.property(forLibraries, (value) => {
      expect(cborg.decode(cbor.encode(value) as Uint8Array)).toEqual(value);
      expect(cbor.decode(Buffer.from(cborg.encode(value)))).toEqual(value);
    }),
    { numRuns: 500 },
  );
});

test('an independent MessagePack implementation reads ours, and we read its', async () => {
  await holds(
    fc.property(forLibraries, (value) => {
      expect(msgpackLibrary.decode(msgpack.encode(value) as Uint8Array)).toEqual(value);
      expect(msgpack.decode(Buffer.from(msgpackLibrary.encode(value)))).toEqual(value);
    }),
    { numRuns: 500 },
  );
});

describe.each([
  ['cbor', cbor],
  ['msgpack', msgpack],
] as const)('%s', (_, codec) => {
  test('bytes in every form arrive as a Buffer', () => {
    const memory = new Uint8Array([9, 1, 2, 9]).buffer;
    for (const bytes of [
      Buffer.from([1, 2]),
      new Uint8Array(memory, 1, 2),
      new DataView(memory, 1, 2),
      memory.slice(1, 3),
    ]) {
      expect(throughWire(codec, { bytes })).toEqual({ bytes: Buffer.from([1, 2]) });
    }
    for (const size of [0, 23, 24, 255, 256, 65_535, 65_536]) {
      expect(throughWire(codec, Buffer.alloc(size, 7))).toEqual(Buffer.alloc(size, 7));
    }
  });

  test('dates keep their milliseconds', () => {
    for (const ms of [
      0,
      1,
      999,
      1_001,
      1_700_000_000_123,
      2 ** 32 * 1_000,
      2 ** 34 * 1_000 + 5,
      -1,
      -1_000,
      8.64e15,
      -8.64e15,
    ]) {
      expect(throughWire(codec, new Date(ms))).toEqual(new Date(ms));
    }
  });

  test('integers keep their value at every width; beyond 2^53 they are bigints', () => {
    const edges = [
      0,
      23,
      24,
      31,
      32,
      127,
      128,
      255,
      256,
      32_767,
      32_768,
      65_535,
      65_536,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
    ];
    for (const edge of [...edges, Number.MAX_SAFE_INTEGER]) {
      for (const value of [edge, -edge, -edge - 1].filter(Number.isSafeInteger)) {
        expect(throughWire(codec, value)).toBe(value);
        expect(throughWire(codec, BigInt(value))).toBe(Number(BigInt(value)));
      }
    }
    for (const value of [2n ** 53n, 2n ** 63n - 1n, 2n ** 64n - 1n, -(2n ** 53n), -(2n ** 63n)]) {
      expect(throughWire(codec, value)).toBe(value);
    }
  });

  test('floats keep every bit that has a meaning', () => {
    for (const value of [
      0.1,
      1.5,
      -0,
      Infinity,
      -Infinity,
      Number.MIN_VALUE,
      Number.MAX_VALUE,
      1e300,
      2 ** 53,
      2 ** 64,
    ]) {
      expect(throughWire(codec, value)).toBe(value);
    }
    expect(throughWire(codec, NaN)).toBeNaN();
  });

  test('a Map with string keys arrives as an object, undefined properties do not arrive', () => {
    expect(
      throughWire(
        codec,
        new Map([
          ['b', 1],
          ['a', 2],
        ]),
      ),
    ).toEqual({ b: 1, a: 2 });
    expect(Object.keys(throughWire(codec, { a: undefined, b: 1 }))).toEqual(['b']);
  });

  test('properties keep their order, instances go out as their own properties', () => {
    class Point {
      y = 2;
      x = 1;
    }
    expect(JSON.stringify(throughWire(codec, new Point()))).toBe('{"y":2,"x":1}');
  });

  test('strings keep a byte order mark and every length', () => {
    for (const length of [0, 15, 16, 23, 24, 31, 32, 255, 256, 65_535, 65_536]) {
      expect(throughWire(codec, 'x'.repeat(length))).toBe('x'.repeat(length));
      expect(throughWire(codec, `\ufeff${'ž'.repeat(length)}`)).toBe(`\ufeff${'ž'.repeat(length)}`);
    }
  });

  test('a thousand levels go through, both ways', () => {
    let deep: unknown = 'core';
    for (let level = 0; level < 1_000; level++) deep = level % 2 === 0 ? [deep] : { deep };
    expect(throughWire(codec, deep)).toEqual(deep);
    expect(() => codec.encode([deep])).toThrow('nested deeper than 1000');
  });

  test('a message whose getter encodes another message is encoded whole', () => {
    const message = {
      get inner() {
        return hex(codec.encode('another') as Uint8Array);
      },
      after: 1,
    };
    expect(throughWire(codec, message)).toEqual({
      inner: hex(codec.encode('another') as Uint8Array),
      after: 1,
    });
  });

  test('a failed message leaves nothing behind, a large one gives its memory back', () => {
    expect(() => codec.encode(['x'.repeat(100), Symbol('no')])).toThrow();
    expect(throughWire(codec, 'after')).toBe('after');
    expect(throughWire(codec, 'x'.repeat(3_000_000))).toHaveLength(3_000_000);
    const first = codec.encode('one') as Uint8Array;
    codec.encode('two');
    expect(codec.decode(Buffer.from(first))).toBe('one');
  });
});

/** From appendix A of RFC 8949. */
test.each([
  ['00', 0],
  ['1818', 24],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['1bffffffffffffffff', 18_446_744_073_709_551_615n],
  ['3bffffffffffffffff', -18_446_744_073_709_551_616n],
  ['3903e7', -1_000],
  ['fb3ff199999999999a', 1.1],
  ['fa47c35040', 100_000.5],
  ['f97e00', NaN],
  ['f4', false],
  ['f6', null],
  ['f7', undefined],
  ['60', ''],
  ['62c3bc', 'ü'],
  ['64f0908591', '𐅑'],
  ['83010203', [1, 2, 3]],
  ['a26161016162820203', { a: 1, b: [2, 3] }],
])('cbor %s is read and written', (text, value) => {
  expect(cbor.decode(Buffer.from(text, 'hex'))).toEqual(value);
  expect(hex(cbor.encode(value) as Uint8Array)).toBe(text);
});

test.each([
  ['1817', 23],
  ['f90000', 0],
  ['f98000', -0],
  ['f93c00', 1],
  ['f93e00', 1.5],
  ['f97bff', 65_504],
  ['f90001', 5.960464477539063e-8],
  ['f90400', 0.00006103515625],
  ['f9c400', -4],
  ['f97c00', Infinity],
  ['f9fc00', -Infinity],
  ['5f42010243030405ff', Buffer.from([1, 2, 3, 4, 5])],
  ['7f657374726561646d696e67ff', 'streaming'],
  ['9fff', []],
  ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
  ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
  ['a201020304', { 1: 2, 3: 4 }],
  ['c11a514b67b0', new Date('2013-03-21T20:04:00Z')],
  ['c074323031332d30332d32315432303a30343a30305a', new Date('2013-03-21T20:04:00Z')],
  ['d9d9f7820102', [1, 2]],
])('cbor %s is read', (text, value) => {
  expect(cbor.decode(Buffer.from(text, 'hex'))).toEqual(value);
});

test('msgpack reads what other implementations prefer to write', () => {
  for (const [text, value] of [
    ['ca3fc00000', 1.5],
    ['cf0000000000000005', 5],
    ['d3fffffffffffffffb', -5],
    ['d0fb', -5],
    ['d1fffb', -5],
    ['d2fffffffb', -5],
    ['8101a178', { 1: 'x' }],
    ['dc000101', [1]],
    ['de0001a16101', { a: 1 }],
    ['d7ff0000000400000001', new Date(1_000)],
  ] as const) {
    expect(msgpack.decode(Buffer.from(text, 'hex'))).toEqual(value);
  }
});
