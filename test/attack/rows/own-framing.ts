/** The lengths of length-prefixed, whatever they are. */
import { CANARY } from '../lib/canary.js';
import { behindOurEnd, MIB } from '../lib/entries.js';
import type { Entry, Expectation, Family, Step } from '../lib/rows.js';
import { act, cut, drip, end, peakBelow, rest, say, send } from '../lib/steps.js';

const TOO_BIG: Expectation = { code: 7, wire: 'reset', error: 'ERR_QW_TOO_BIG' };
const TRUNCATED: Expectation = { code: 2, error: 'ERR_QW_TRUNCATED' };

function length(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
const frame = (text: string): Buffer => Buffer.concat([length(text.length), Buffer.from(text)]);

function entry(id: string, what: string, expect: Expectation, ...steps: Step[]): Entry {
  return { id, what, expect, steps };
}

export const lengthPrefixed: Family = {
  name: 'length-prefixed, messages of 1,000 bytes',
  carrier: 'tcp',
  dialect: 'length-prefixed',
  options: { maxMessage: 1000, closeTimeoutMs: 500 },
  entries: [
    entry('B17', 'no bytes', { lives: true, messages: ['', ''] }, send(length(0), length(0))),
    entry('B17', 'the most bytes', { lives: true, messages: ['1000 bytes'] }, say('x'.repeat(1000))),
    entry('B17', 'one more', TOO_BIG, send(length(1001))),
    entry('B17', 'the largest length there is', TOO_BIG, send(length(0xffff_ffff), CANARY)),
    ...[1, 2, 3, 4, 5, 9].map((bytes) =>
      entry(
        'B17',
        `the end after ${bytes} bytes`,
        TRUNCATED,
        send(frame(CANARY).subarray(0, bytes)),
        rest(5),
        end,
      ),
    ),
    entry(
      'B17',
      'a byte at a time',
      { lives: true, messages: ['one', '', 'two'] },
      drip(Buffer.concat(['one', '', 'two'].map(frame))),
    ),
    ...Array.from({ length: 20 }, (_, number) =>
      entry(
        'B17',
        `cut at random, ${number}`,
        { lives: true, messages: ['one', '', 'two', '1000 bytes'] },
        cut(Buffer.concat(['one', '', 'two', 'x'.repeat(1000)].map(frame))),
      ),
    ),
    behindOurEnd('B20', 'a peer that goes on sending after our end, up to 1 GB', frame('x'.repeat(900)), {
      count: 1_000_000,
    }),
  ],
};

export const unfinished: Family = {
  name: 'length-prefixed',
  carrier: 'tcp',
  dialect: 'length-prefixed',
  entries: [
    {
      ...entry(
        'B5',
        '4 MiB are announced, and 10 bytes sent',
        TRUNCATED,
        act('resetPeak'),
        send(length(4 * MIB), '0123456789'),
        rest(50),
        end,
      ),
      // Less than was announced: nothing is allocated by it.
      check: peakBelow(3 * MIB),
    },
  ],
};
