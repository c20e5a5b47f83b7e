/** Any split of a byte stream gives the same messages. The vectors are those of the Rust core too. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { FrameDecoder } from 'qwormhole/internal';
import { describe, expect, it } from 'vitest';
import { frame } from '../support/frames.js';
import { holds } from '../support/holds.js';

interface Vector {
  readonly name: string;
  readonly maxMessage: number;
  readonly stream: string;
  readonly messages: readonly string[];
  readonly error?: string;
  readonly trailing?: number;
}

const file = new URL('../vectors/length-prefixed.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[];

interface Outcome {
  readonly messages: string[];
  readonly oversized: boolean;
  readonly held: number;
}

function decode(maxMessage: number, chunks: readonly Buffer[]): Outcome {
  const decoder = new FrameDecoder(maxMessage);
  const messages: string[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let message = decoder.next(); message; message = decoder.next())
      messages.push(message.toString('hex'));
    if (decoder.oversized >= 0) break;
  }
  return { messages, oversized: decoder.oversized >= 0, held: decoder.held };
}

function split(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  const chunks: Buffer[] = [];
  // Each chunk in memory of its own, as it would come from a socket.
  for (let i = 1; i < at.length; i += 1) chunks.push(Buffer.from(stream.subarray(at[i - 1], at[i])));
  return chunks.filter((chunk) => chunk.length > 0);
}

function expected({ messages, error, trailing = 0 }: Vector): Outcome {
  return {
    messages: [...messages],
    oversized: error !== undefined,
    held: error === undefined ? trailing : 0,
  };
}

describe.each(vectors)('$name', (vector) => {
  const stream = Buffer.from(vector.stream, 'hex');

  it('whole', () => {
    expect(decode(vector.maxMessage, split(stream, []))).toEqual(expected(vector));
  });

  it('byte by byte', () => {
    const everywhere = Array.from(stream, (_, index) => index);
    expect(decode(vector.maxMessage, split(stream, everywhere))).toEqual(expected(vector));
  });

  it('cut in two at every place', () => {
    for (let cut = 0; cut <= stream.length; cut += 1) {
      expect(decode(vector.maxMessage, split(stream, [cut]))).toEqual(expected(vector));
    }
  });

  it('cut anywhere', async () => {
    await holds(
      fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
        expect(decode(vector.maxMessage, split(stream, cuts))).toEqual(expected(vector));
      }),
    );
  });
});

it('gives what was framed, whatever the messages and the cuts', async () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 12 });
  await holds(
    fc.property(payloads, fc.array(fc.nat(), { maxLength: 30 }), (messages, cuts) => {
      const stream = Buffer.concat(messages.map((message) => frame(message)));
      const outcome = decode(4096, split(stream, cuts));
      expect(outcome.messages).toEqual(messages.map((message) => Buffer.from(message).toString('hex')));
      expect(outcome.held).toBe(0);
    }),
  );
});

it('can be stopped at any message and go on', () => {
  const decoder = new FrameDecoder(64);
  decoder.push(Buffer.concat([frame('a'), frame('b'), frame('c').subarray(0, 3)]));
  expect(String(decoder.next())).toBe('a');
  expect(decoder.hasUnparsed).toBe(true);
  expect(decoder.held).toBe(5 + 3);
  expect(String(decoder.next())).toBe('b');
  expect(decoder.next()).toBeUndefined();
  expect(decoder.hasUnparsed).toBe(false);
  expect(decoder.held).toBe(3);
});

it('gives views of the chunk, not copies, of messages that lie within', () => {
  const chunk = Buffer.concat([frame('first'), frame('second')]);
  const decoder = new FrameDecoder(64);
  decoder.push(chunk);
  expect(decoder.next()!.buffer).toBe(chunk.buffer);
  expect(decoder.next()!.buffer).toBe(chunk.buffer);
});

it('takes memory by what has come, not by what is announced', () => {
  const decoder = new FrameDecoder(1 << 30);
  const before = process.memoryUsage().arrayBuffers;
  const announced = Buffer.alloc(14);
  announced.writeUInt32BE(1 << 30);
  decoder.push(announced);
  expect(decoder.next()).toBeUndefined();
  for (let i = 0; i < 100; i += 1) {
    decoder.push(Buffer.alloc(100));
    expect(decoder.next()).toBeUndefined();
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  expect(decoder.held).toBe(10_014);
});

it('carries a long message in linear time, however small the chunks', () => {
  const size = 2 << 20;
  const stream = frame(Buffer.alloc(size, 7));
  const timeOf = (step: number): number => {
    const decoder = new FrameDecoder(size);
    // Of this process: what others do meanwhile does not count.
    const before = process.cpuUsage();
    for (let at = 0; at < stream.length; at += step) {
      decoder.push(stream.subarray(at, at + step));
      if (decoder.next() === undefined) continue;
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    }
    throw new Error('no message');
  };
  timeOf(64);
  // Copying everything for each chunk would be 30,000 times two megabytes.
  expect(timeOf(64)).toBeLessThan(1000);
});

it('does not pin a chunk for the sake of a small tail', () => {
  const decoder = new FrameDecoder(1 << 20);
  const chunk = Buffer.concat([frame(Buffer.alloc(60_000)), frame('tail').subarray(0, 6)]);
  decoder.push(chunk);
  decoder.next();
  decoder.next();
  decoder.push(Buffer.from(frame('tail').subarray(6)));
  const message = decoder.next()!;
  expect(String(message)).toBe('tail');
  expect(message.buffer).not.toBe(chunk.buffer);
});

it('sees a length that is too long without taking a message, wherever it is cut', () => {
  for (let cut = 1; cut < 8; cut += 1) {
    const decoder = new FrameDecoder(100);
    const stream = Buffer.from([0, 0, 1, 0, 1, 2, 3, 4]);
    decoder.push(stream.subarray(0, cut));
    decoder.check();
    if (cut < 4) {
      expect(decoder.hasUnparsed).toBe(false);
      decoder.push(stream.subarray(cut));
      decoder.check();
    }
    expect(decoder.oversized).toBe(256);
  }
});

it('takes what it has looked at', () => {
  for (let cut = 1; cut < 6; cut += 1) {
    const decoder = new FrameDecoder(100);
    const stream = Buffer.from([0, 0, 0, 2, 7, 8]);
    decoder.push(Buffer.from(stream.subarray(0, cut)));
    decoder.check();
    decoder.check();
    if (!decoder.hasUnparsed) {
      decoder.push(stream.subarray(cut));
      decoder.check();
      expect([...decoder.next()!]).toEqual([7, 8]);
    } else {
      expect(decoder.next()).toBeUndefined();
      decoder.push(stream.subarray(cut));
      expect([...decoder.next()!]).toEqual([7, 8]);
    }
    expect(decoder.held).toBe(0);
  }
});
