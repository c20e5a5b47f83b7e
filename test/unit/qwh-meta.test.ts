/** The one schema of `meta`: what is sent passes it, and what comes. */
import { qwh } from 'qwormhole/internal';
import { describe, expect, it } from 'vitest';

const FULL: qwh.Meta = {
  transport: { native: true, backend: 'rust' },
  tags: ['blue', 'grün'],
  nv: { hash: '0123456789abcdef', entropy: 7.2, samples: 256 },
  intent: 'chat',
  shard: { id: 0, of: 4 },
  app: { name: 'x', nested: { list: [1, null, true] } },
};

describe('what is sent', () => {
  it('arrives', () => {
    expect(qwh.decodeMeta(qwh.encodeMeta(FULL))).toEqual(FULL);
    expect(qwh.decodeMeta(qwh.encodeMeta({}))).toEqual({});
  });

  it('must fit', () => {
    expect(() => qwh.encodeMeta({ app: { text: 'x'.repeat(5000) } })).toThrow('meta is too long');
    const deep = JSON.parse('{"a":'.repeat(8) + '1' + '}'.repeat(8)) as qwh.Meta['app'];
    expect(() => qwh.encodeMeta({ app: deep })).toThrow('meta is nested too deep');
  });
});

describe('what comes', () => {
  it('loses what is not known', () => {
    expect(qwh.decodeMeta('{"intent":"x","future":{"a":1}}')).toEqual({ intent: 'x' });
  });

  it('cannot reach a prototype', () => {
    const meta = qwh.decodeMeta('{"__proto__":{"intent":"x"},"app":{"__proto__":{"polluted":1}}}');
    expect(meta.intent).toBeUndefined();
    expect((meta.app as Record<string, unknown>).polluted).toBeUndefined();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it.each([
    ['an intent of 65 bytes', { intent: 'x'.repeat(65) }],
    ['an intent of 33 characters of two bytes', { intent: 'ä'.repeat(33) }],
    ['tags that are no list', { tags: 'blue' }],
    ['33 tags', { tags: Array(33).fill('x') }],
    ['an empty tag', { tags: [''] }],
    ['an upper-case hash', { nv: { hash: '0123456789ABCDEF', entropy: 1, samples: 1 } }],
    ['an entropy above eight bits', { nv: { hash: '0123456789abcdef', entropy: 8.1, samples: 1 } }],
    ['half a sample', { nv: { hash: '0123456789abcdef', entropy: 1, samples: 0.5 } }],
    ['a shard beyond the last', { shard: { id: 4, of: 4 } }],
    ['a shard of none', { shard: { id: 0, of: 0 } }],
    ['a backend without a name', { transport: { native: true, backend: '' } }],
    ['an app that is a list', { app: [] }],
    ['null', null],
  ])('is refused with %s', (_, meta) => {
    expect(() => qwh.decodeMeta(JSON.stringify(meta))).toThrow('meta is not what it should be');
  });

  it('is refused with a number beyond all', () => {
    const json = '{"nv":{"hash":"0123456789abcdef","entropy":1e999,"samples":1}}';
    expect(() => qwh.decodeMeta(json)).toThrow(qwh.Fault);
  });
});
