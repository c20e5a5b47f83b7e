/** A codec of one's own has a name that a handshake can carry. */
import { createQWormholeServer } from 'qwormhole';
import { expect, it } from 'vitest';

const named = (name: unknown) => {
  const codec = { name, encode: String, decode: (bytes: Uint8Array) => bytes } as never;
  return createQWormholeServer({ endpoints: 'tcp://127.0.0.1:0', forceTs: true, codec });
};

it.each(['x', 'x'.repeat(32), 'ü'.repeat(16)])('%s is a name', (name) => {
  expect(named(name).mode).toBe('ts');
});

it.each(['', 'x'.repeat(33), 'ü'.repeat(17), 7, undefined])('%s is none', (name) => {
  expect(() => named(name)).toThrow(expect.objectContaining({ code: 'ERR_QW_OPTION_INVALID' }));
});
