import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecFor } from '../../ts/codec/builtin.js';
import { QWormholeError } from '../../ts/errors/error.js';
import { holds } from '../support/holds.js';

type Structured = 'json' | 'cbor' | 'msgpack';

function outcome(name: Structured | 'text', payload: Buffer): unknown {
  try {
    return codecFor(name).decode(payload);
  } catch (error) {
    if (error instanceof QWormholeError) return error.code;
    throw error;
  }
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe.each(['json', 'cbor', 'msgpack', 'text'] as const)('%s', (name) => {
  test('any bytes at all give a message or ERR_QW_DECODE', async () => {
    await holds(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        outcome(name, Buffer.from(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  test('an empty payload is a message of text only', () => {
    expect(outcome(name, Buffer.alloc(0))).toBe(name === 'text' ? '' : 'ERR_QW_DECODE');
  });
});

describe.each(['json', 'cbor', 'msgpack'] as const)('%s', (name) => {
  test('every proper prefix of a message is an error', () => {
    const message = {
      text: 'a longer text than sixteen',
      list: [1, 300, 70_000, -5, 1.5],
      nested: { ok: true },
    };
    const payload = Buffer.from(codecFor(name).encode(message) as string);
    for (let length = 0; length < payload.length; length++) {
      expect(outcome(name, payload.subarray(0, length))).toBe('ERR_QW_DECODE');
    }
    expect(outcome(name, Buffer.concat([payload, payload]))).toBe('ERR_QW_DECODE');
  });

  test('the process survives 100,000 nested arrays', () => {
    const opening = { json: '[', cbor: '\x81', msgpack: '\x91' }[name];
    const open = Buffer.from(opening.repeat(100_000), 'latin1');
    expect(outcome(name, open)).toBe('ERR_QW_DECODE');
    const closed =
      name === 'json' ? Buffer.from('['.repeat(1e5) + ']'.repeat(1e5)) : Buffer.concat([open, hex('00')]);
    const result = outcome(name, closed);
    // The engine's JSON parser has no limit of depth; ours have one.
    if (name === 'json') expect(Array.isArray(result)).toBe(true);
    else expect(result).toBe('ERR_QW_DECODE');
  });

  test('a message that nests too deep is not sent', () => {
    let deep: unknown = 0;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(() => codecFor(name).encode(deep)).toThrow(expect.objectContaining({ code: 'ERR_QW_ENCODE' }));
  });

  test('a key __proto__ changes no prototype', () => {
    const text = { json: '{"__proto__":{"bad":1}}', cbor: '', msgpack: '' }[name];
    const key = Buffer.from('__proto__');
    const binary = {
      json: Buffer.from(text),
      cbor: Buffer.concat([hex('a1 69'), key, hex('a1 63'), Buffer.from('bad'), hex('01')]),
      msgpack: Buffer.concat([hex('81 a9'), key, hex('81 a3'), Buffer.from('bad'), hex('01')]),
    }[name];
    const message = outcome(name, binary) as Record<string, unknown>;
    expect(Object.keys(message)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
    expect(message.bad).toBeUndefined();
    expect(({} as Record<string, unknown>).bad).toBeUndefined();
    // It survives the way back.
    expect(Object.keys(codecFor(name).decode(Buffer.from(codecFor(name).encode(message) as string)))).toEqual(
      ['__proto__'],
    );
  });
});

test.each([
  ['cbor', '9a ffffffff'],
  ['cbor', '9b 00000000ffffffff 00'],
  ['cbor', '9b ffffffffffffffff'],
  ['cbor', 'ba ffffffff 6161 00'],
  ['cbor', '5a ffffffff 00'],
  ['cbor', '7b 001fffffffffffff 00'],
  ['msgpack', 'dd ffffffff'],
  ['msgpack', 'df ffffffff a161 00'],
  ['msgpack', 'c6 ffffffff 00'],
  ['msgpack', 'db ffffffff 00'],
  ['msgpack', 'c9 ffffffff ff'],
] as const)('%s: a length that is announced and not there takes no memory: %s', (name, text) => {
  expect(outcome(name, hex(text))).toBe('ERR_QW_DECODE');
});

/** Each level announced as many items as the whole payload has bytes: reserving them would take gigabytes. */
test.each([
  ['cbor', '9a000f0000'],
  ['msgpack', 'dd000f0000'],
] as const)('%s: nested announcements take no memory', (name, level) => {
  const payload = Buffer.concat(Array.from({ length: 200_000 }, () => hex(level)));
  const before = process.memoryUsage().rss;
  expect(outcome(name, payload)).toBe('ERR_QW_DECODE');
  expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
});

test.each([
  ['a break as the value of a map entry', 'a1 6161 ff'],
  ['a break as the value in a map of indefinite length', 'bf 6161 ff ff'],
  ['a break in an array of definite length', '81 ff'],
  ['a break alone', 'ff'],
  ['a break as the content of a tag', 'c1 ff'],
  ['an indefinite string with parts of another kind', '5f 6161 ff'],
  ['an indefinite string within one', '5f 5f 4161 ff ff'],
  ['an integer of indefinite length', '1f'],
  ['reserved additional information', '1c'],
  ['a key twice', 'a2 6161 01 6161 02'],
  ['a key that is a map', 'a1 a0 01'],
  ['a key that is a float', 'a1 f93e00 01'],
  ['a bignum', 'c2 41 01'],
  ['a date that is none', 'c0 6161'],
  ['a date out of range', 'c1 fb7e37e43c8800759c'],
  ['an unassigned simple value', 'f8 ff'],
  ['text that is not UTF-8', '61 ff'],
  ['a surrogate in text', '63 eda080'],
  ['long text that is not UTF-8', `7820${'61'.repeat(31)}ff`],
  ['bytes behind the message', '01 01'],
])('cbor: %s is an error', (_, text) => {
  expect(outcome('cbor', hex(text))).toBe('ERR_QW_DECODE');
});

test.each([
  ['the type that does not exist', 'c1'],
  ['an unknown extension', 'd4 05 00'],
  ['a timestamp of the wrong size', 'd4 ff 00'],
  ['a timestamp with too many nanoseconds', 'd7 ff fffffffc 00000000'],
  ['a date out of range', 'c7 0c ff 00000000 7fffffffffffffff'],
  ['a key twice', '82 a161 01 a161 02'],
  ['a key that is nil', '81 c0 01'],
  ['text that is not UTF-8', 'a1 ff'],
  ['long text that is not UTF-8', `d920${'61'.repeat(31)}ff`],
  ['bytes behind the message', '01 01'],
])('msgpack: %s is an error', (_, text) => {
  expect(outcome('msgpack', hex(text))).toBe('ERR_QW_DECODE');
});

test.each([
  ['duplicate separators', '{,}'],
  ['a comment', '{} // x'],
  ['a byte order mark', '\ufeff{}'],
  ['NaN', 'NaN'],
])('json: %s is an error', (_, text) => {
  expect(outcome('json', Buffer.from(text))).toBe('ERR_QW_DECODE');
});

test('json: invalid UTF-8 within a string is an error, not a replacement', () => {
  expect(outcome('json', Buffer.concat([Buffer.from('"'), hex('ff'), Buffer.from('"')]))).toBe(
    'ERR_QW_DECODE',
  );
});
