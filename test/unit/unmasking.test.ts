/** The unmasking of the TypeScript backend, and that the package still lets it do so. */
import * as ws from 'ws';
import { describe, expect, test } from 'vitest';
import { keyAt, Maskable } from '../../ts/link/ts/ws-mask.js';
import { unmaskByWords } from '../../ts/link/ts/ws-unmask.js';
import type { LinkedWebSocket } from '../../ts/link/ts/ws-package.js';

const MASK = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** What RFC 6455, section 5.3, says, byte by byte. */
function masked(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.map((byte, at) => byte ^ MASK[at % 4]));
}

function patternOf(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 7) & 0xff));
}

function frameOf(payload: Uint8Array): Buffer {
  const head = Buffer.from([0x82, 0xfe, 0, 0, ...MASK]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, masked(payload)]);
}

describe('unmasking', () => {
  test('every length at every alignment, and nothing beside it', () => {
    for (let length = 0; length < 70; length += 1) {
      for (let offset = 0; offset < 9; offset += 1) {
        const memory = Buffer.alloc(length + offset + 3, 0xaa);
        const payload = patternOf(length);
        memory.set(masked(payload), offset);
        new Maskable(memory).mask(offset, offset + length, keyAt(MASK, 0));
        expect(memory.subarray(offset, offset + length)).toEqual(payload);
        expect(memory.subarray(offset + length)).toEqual(Buffer.alloc(3, 0xaa));
        expect(memory.subarray(0, offset)).toEqual(Buffer.alloc(offset, 0xaa));
      }
    }
  });

  test.each([1, 1000, 70_000])('frames that come in pieces of %i bytes', (size) => {
    const receiver = new (ws as any).Receiver({ isServer: true, allowSynchronousEvents: true } as never);
    unmaskByWords({ _receiver: receiver } as unknown as LinkedWebSocket);
    // Without the names it knows it would leave the package alone, and be of no use.
    expect(Object.hasOwn(receiver, 'getData')).toBe(true);
    const messages: Buffer[] = [];
    receiver.on('message', (message: Buffer) => messages.push(message));
    const sent = [130, 200, 4000, 20_000].map(patternOf);
    const stream = Buffer.concat(sent.map(frameOf));
    for (let at = 0; at < stream.length; at += size) receiver.write(stream.subarray(at, at + size));
    expect(messages).toEqual(sent);
  });

  test('a package with other names is left alone', () => {
    const receiver = { getData: () => {} };
    const { getData } = receiver;
    unmaskByWords({ _receiver: receiver } as unknown as LinkedWebSocket);
    unmaskByWords({} as LinkedWebSocket);
    expect(receiver.getData).toBe(getData);
  });
});
