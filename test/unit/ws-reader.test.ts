/** What is read in front of the package `ws` gives the same messages, faults and ends as the package alone. */
import { Socket } from 'node:net';
import * as ws from 'ws';
import { describe, expect, test } from 'vitest';
import type { LinkedWebSocket } from '../../ts/link/ts/ws-package.js';
import { WsReader } from '../../ts/link/ts/ws-reader.js';

const MASK = [0x37, 0xfa, 0x21, 0x3d];
const MAX_MESSAGE = 100_000;

/** A frame by its first byte, masked as clients do, its length in the shortest form or in a longer one. */
function frame(first: number, payload: Buffer | string, { masked = true, longer = false } = {}): Buffer {
  const bytes = Buffer.from(payload);
  const { length } = bytes;
  const bit = masked ? 0x80 : 0;
  const head = Buffer.alloc(length > 0xffff || longer ? 10 : length > 125 ? 4 : 2);
  head[0] = first;
  head[1] = bit | (head.length === 10 ? 127 : head.length === 4 ? 126 : length);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  else if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  if (!masked) return Buffer.concat([head, bytes]);
  return Buffer.concat([head, Buffer.from(MASK), bytes.map((byte, at) => byte ^ MASK[at % 4])]);
}

/** A chunk as a socket reads it: in memory of its own. */
function own(chunk: Buffer): Buffer {
  return Buffer.from(new Uint8Array(chunk).buffer);
}

/** Nobody, somebody who may keep messages, or somebody who does not. */
type Front = 'none' | 'kept' | 'void';

/** All that a parser tells of these chunks. */
function told(chunks: readonly Buffer[], isServer: boolean, front: Front): unknown[] {
  const Receiver = (ws as any).Receiver;
  const receiver = new Receiver({ isServer, maxPayload: MAX_MESSAGE, maxFragments: 3 });
  const all: unknown[] = [];
  receiver.on('message', (data: Buffer, isBinary: boolean) => all.push([data.toString('hex'), !isBinary]));
  for (const event of ['ping', 'pong'])
    receiver.on(event, (data: Buffer) => all.push([event, data.toString()]));
  receiver.on('conclude', (code: number, reason: Buffer) => all.push(['conclude', code, reason.toString()]));
  receiver.on('error', () => {});
  if (front !== 'none') {
    const onMessage = (data: Buffer, isText: boolean): void => void all.push([data.toString('hex'), isText]);
    const taker = { isVoid: front === 'void', onMessage };
    WsReader.readFor({ _receiver: receiver } as unknown as LinkedWebSocket, new Socket(), taker);
    expect(Object.hasOwn(receiver, 'write')).toBe(true);
  }
  // They are unmasked in place. The package's owner writes nothing behind a close frame or a fault.
  for (const chunk of chunks) if (receiver.writable) receiver.write(own(chunk));
  return [...all, receiver.errored?.code];
}

function cut(stream: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(stream.length / size) }, (_, at) =>
    stream.subarray(at * size, at * size + size),
  );
}

const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, at) => (at * 7) & 0xff));
const small = [frame(0x82, bytes(5)), frame(0x81, 'grün'), frame(0x82, '')];
const streams: Record<string, Buffer[]> = {
  'whole messages': [...small, frame(0x82, bytes(125)), frame(0x82, bytes(126)), ...small],
  'large ones': [frame(0x82, bytes(0xffff)), ...small, frame(0x81, 'x'.repeat(0x10000)), ...small],
  'lengths in a longer form': [...small, frame(0x82, bytes(9), { longer: true }), ...small],
  fragments: [...small, frame(0x02, 'a'), frame(0x00, 'b'), frame(0x80, 'c'), ...small],
  'too many fragments': [frame(0x02, 'a'), frame(0, 'b'), frame(0, 'c'), frame(0x80, 'd'), ...small],
  'control frames between fragments': [frame(0x01, 'a'), frame(0x89, 'p'), frame(0x80, 'c'), ...small],
  'pings and pongs': [frame(0x89, 'one'), ...small, frame(0x8a, ''), frame(0x89, ''), ...small],
  'a close frame': [...small, frame(0x88, Buffer.from([3, 0xe8, 0x6f, 0x6b])), ...small],
  'a message that is too long': [...small, frame(0x82, bytes(MAX_MESSAGE + 1)), ...small],
  'text that is none': [...small, frame(0x81, Buffer.from([0x61, 0xff, 0x62])), ...small],
  'a long text that is none': [...small, frame(0x81, Buffer.alloc(500, 0xc3)), ...small],
  'reserved bits': [...small, frame(0xc2, 'x'), ...small],
  'an unknown kind': [...small, frame(0x83, 'x'), ...small],
  'a message in the midst of fragments': [frame(0x02, 'a'), ...small],
  'an end of fragments without a beginning': [...small, frame(0x80, 'x'), ...small],
  'a length beyond 2^53': [...small, Buffer.from([0x82, 0xff, ...Buffer.alloc(8, 0x7f)])],
  'no mask': [...small, frame(0x82, 'x', { masked: false }), ...small],
};

describe.each(Object.entries(streams))('%s', (_, frames) => {
  const stream = Buffer.concat(frames);
  const sizes = [1, 2, 3, 5, 7, 13, 64, 1000, 65_536, stream.length].filter(
    (size) => stream.length / size < 1e5,
  );

  test.each(sizes)('in pieces of %i bytes', (size) => {
    const chunks = cut(stream, size);
    for (const isServer of [true, false]) {
      const alone = told(chunks, isServer, 'none');
      expect(told(chunks, isServer, 'kept')).toEqual(alone);
      expect(told(chunks, isServer, 'void')).toEqual(alone);
    }
  });
});

test('what servers send is read without masks', () => {
  const sent = [bytes(5), bytes(126), bytes(70_000)];
  const stream = Buffer.concat(sent.map((each) => frame(0x82, each, { masked: false })));
  const whole = sent.map((each) => [each.toString('hex'), false]);
  for (const size of [7, 1000, 65_536])
    expect(told(cut(stream, size), false, 'kept')).toEqual([...whole, undefined]);
});

test('a package with other names is left alone', () => {
  const receiver = { write: () => true, _state: 0 };
  const { write } = receiver;
  const taker = { isVoid: false, onMessage: () => {} };
  WsReader.readFor({ _receiver: receiver } as unknown as LinkedWebSocket, new Socket(), taker);
  WsReader.readFor({} as LinkedWebSocket, new Socket(), taker);
  expect(receiver.write).toBe(write);
});

test.each([true, false])('memory of chunks is given back at once if nothing is kept: %s', (isVoid) => {
  const receiver = new (ws as any).Receiver({ isServer: true, maxPayload: MAX_MESSAGE });
  const taker = { isVoid, onMessage: () => {} };
  WsReader.readFor({ _receiver: receiver } as unknown as LinkedWebSocket, new Socket(), taker);
  const stream = Buffer.concat([frame(0x82, bytes(500)), frame(0x82, bytes(5000)), ...small]);
  const chunks = cut(stream, 700).map(own);
  for (const chunk of chunks) receiver.write(chunk);
  expect(chunks.map(({ length }) => length === 0)).toEqual(chunks.map(() => isVoid));
});
