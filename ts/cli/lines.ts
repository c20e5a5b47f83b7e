/** Lines of input, read no faster than they are used. */
import type { Readable } from 'node:stream';
import { tooBig } from '../errors/error.js';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Input piece by piece; `close` ends a loop over it from outside. */
export interface Input extends AsyncIterable<Buffer> {
  close(): void;
}

/**
 * The lines of a stream without their ends; the last one needs none.
 * @throws QWormholeError `ERR_QW_TOO_BIG` for a line above `maxBytes`, which no message could carry.
 */
export async function* splitLines(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Buffer, void> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      held.push(chunk.subarray(from, to));
      checkSize(size + to - from, maxBytes);
      yield withoutReturn(held);
      [held, size, from] = [[], 0, to + 1];
    }
    if (from === chunk.length) continue;
    held.push(chunk.subarray(from));
    size += chunk.length - from;
    // One byte more: it may be the carriage return of a line that fits.
    checkSize(size, maxBytes + 1);
  }
  if (size > 0) yield withoutReturn(held);
}

function checkSize(size: number, maxBytes: number): void {
  if (size > maxBytes + 1) throw tooBig(size, maxBytes);
}

function withoutReturn(parts: readonly Buffer[]): Buffer {
  const line = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
}

/** The chunks of a stream; closing it is no error. */
export function streamInput(stream: Readable): Input {
  let isClosed = false;
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for await (const chunk of stream) yield chunk as Buffer;
      } catch (error) {
        if (!isClosed) throw error;
      }
    },
    close() {
      isClosed = true;
      stream.destroy();
    },
  };
}

/** An input's lines. */
export function lineInput(input: Input, maxBytes: number): Input {
  return {
    [Symbol.asyncIterator]: () => splitLines(input, maxBytes),
    close: () => input.close(),
  };
}
