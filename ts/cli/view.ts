/** How `qwormhole connect` shows what it gets. */
import type { Dialect } from './dialect.js';
import { bytesOf, jsonLine } from './dialect.js';
import { decodeVisibly, escapeLines, incompleteTail } from './escape.js';
import type { Output } from './output.js';

/** Shows messages one after the other. */
export interface View {
  /** False: better wait until the output has drained. */
  show(message: unknown): boolean;
  /** There will be no more. */
  end(): void;
}

/** Each message as one line of JSON. */
export function jsonView(dialect: Dialect, out: Output): View {
  return {
    show: (message) => out.line(jsonLine({ event: 'message', ...dialect.fields(message) })),
    end() {},
  };
}

/** Each message as one safe line. */
export function lineView(dialect: Dialect, out: Output): View {
  return { show: (message) => out.line(dialect.show(message)), end() {} };
}

/** Each message as it came, with `end` after it. */
export function bytesView(dialect: Dialect, out: Output, end: string): View {
  return {
    show(message) {
      const hasRoom = out.write(dialect.raw(message));
      return end === '' ? hasRoom : out.write(end);
    },
    end() {},
  };
}

/** Chunks of one text, as protocol raw gives them: line ends count, and a character may be cut in two. */
export function streamView(out: Output): View {
  let held = Buffer.alloc(0);
  const show = (bytes: Buffer): boolean => out.write(escapeLines(decodeVisibly(bytes)));
  return {
    show(message) {
      const bytes = Buffer.concat([held, bytesOf(message)]);
      const tail = bytes.at(-1) === 0x0d ? 1 : incompleteTail(bytes);
      // A copy: the message's memory may belong to a larger block.
      held = Buffer.from(bytes.subarray(bytes.length - tail));
      return show(bytes.subarray(0, bytes.length - tail));
    },
    end() {
      show(held);
      held = Buffer.alloc(0);
    },
  };
}
