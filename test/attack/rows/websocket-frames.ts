/** Frames of WebSocket that no well-behaved peer sends, and messages at their bounds. */
import { CANARY } from '../lib/canary.js';
import { behindOurEnd, entry, MIB } from '../lib/entries.js';
import type { Entry, Expectation, Family } from '../lib/rows.js';
import { act, drip, end, flood, peakBelow, rest, send, ws } from '../lib/steps.js';

const [CONTINUATION, TEXT, BINARY, CLOSE, PING] = [0, 1, 2, 8, 9];

const PROTOCOL: Expectation = { code: 2, wire: 1002, error: 'ERR_QW_PROTOCOL' };
const TOO_BIG: Expectation = { code: 7, wire: 1009, error: 'ERR_QW_TOO_BIG' };
const NO_TEXT: Expectation = { code: 1007, wire: 1007, error: 'ERR_QW_INVALID_UTF8' };
const FLOOD: Expectation = { code: 12, wire: 1008, error: 'ERR_QW_FLOOD' };

const broken = (id: string, what: string, ...bytes: Parameters<typeof send>): Entry =>
  entry(id, what, PROTOCOL, send(...bytes));

/** The head of a frame that claims a length, whatever follows. */
function claiming(length: bigint, bytes = ''): Parameters<typeof send>[0] {
  return ({ attacker }) => {
    const head = Buffer.alloc(10);
    head[0] = 0x80 | BINARY;
    head[1] = (attacker.isCaller ? 0x80 : 0) | 127;
    head.writeBigUInt64BE(length, 2);
    return Buffer.concat([head, Buffer.alloc(attacker.isCaller ? 4 : 0), Buffer.from(bytes)]);
  };
}

/** A message whose length is in two bytes (126) or in eight (127). */
function longer(text: string, form: 126 | 127): Parameters<typeof send>[0] {
  return ({ attacker }) => {
    const length = Buffer.alloc(form === 126 ? 2 : 8);
    length[length.length - 1] = text.length;
    const head = Buffer.of(0x80 | TEXT, (attacker.isCaller ? 0x80 : 0) | form);
    // A key of zeros changes nothing.
    return Buffer.concat([head, length, Buffer.alloc(attacker.isCaller ? 4 : 0), Buffer.from(text)]);
  };
}

/** A close frame with a code, and bytes for a reason. */
function closing(code: number, reason: string | Buffer = ''): Parameters<typeof send>[0] {
  const head = Buffer.of(code >> 8, code & 0xff);
  return ws(Buffer.concat([head, Buffer.from(reason as string)]), { opcode: CLOSE });
}

const text = (hex: string): Parameters<typeof send>[0] => ws(Buffer.from(hex, 'hex'), { opcode: TEXT });
/** A character of four bytes, and the beginning of another that does not come. */
const CUT_TEXT = Buffer.from('f09f9880f09f98', 'hex');

export const websocketFrames: Family = {
  name: 'WebSocket',
  carrier: 'ws',
  dialect: 'ws',
  entries: [
    entry('B2', 'a mask where none belongs, or none where one does', PROTOCOL, (on) =>
      send(ws(CANARY, { mask: !on.attacker.isCaller }))(on),
    ),
    ...[4, 2, 1].map((rsv) => broken('B3', `RSV bits ${rsv}`, ws(CANARY, { rsv }))),
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) =>
      broken('B3', `opcode ${opcode}`, ws(CANARY, { opcode })),
    ),
    {
      ...entry('B4', 'a length of 2^63', PROTOCOL, send(claiming(2n ** 63n))),
      expect: {
        code: { ts: 7, native: 2 },
        wire: { ts: 1009, native: 1002 },
        error: { ts: 'ERR_QW_TOO_BIG', native: 'ERR_QW_PROTOCOL' },
      },
      differs: 'the package ws calls a length of 2^63 too big, which it is as well',
    },
    {
      ...entry(
        'B4',
        'lengths in longer forms than they need',
        PROTOCOL,
        send(longer('in two bytes', 126), longer('in eight', 127)),
      ),
      expect: (_role, backend) =>
        backend === 'ts' ? { lives: true, messages: ['in two bytes', 'in eight'] } : PROTOCOL,
      differs: 'the package ws takes a length in a longer form than it needs, which says no other thing',
    },
    entry('B4', 'a length of 2^53', TOO_BIG, send(claiming(2n ** 53n))),
    entry('B4', 'a length of 2^63 - 1', TOO_BIG, send(claiming(2n ** 63n - 1n))),
    entry(
      'B5',
      '100 GB are announced, and 10 bytes sent',
      TOO_BIG,
      send(claiming(100_000_000_000n, '0123456789')),
    ),
    broken('B8', 'a message inside of a message', ws('a', { opcode: TEXT, fin: false }), ws(CANARY)),
    broken('B8', 'a continuation first', ws(CANARY, { opcode: CONTINUATION })),
    broken('B9', 'a ping in parts', ws(CANARY, { opcode: PING, fin: false })),
    broken('B9', 'a ping of 126 bytes', ws('x'.repeat(126), { opcode: PING })),
    broken('B9', 'a close frame of one byte', ws('x', { opcode: CLOSE })),
    broken('B9', 'a close frame of 126 bytes', closing(1000, 'x'.repeat(124))),
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code) =>
      broken('B10', `close code ${code}`, closing(code, CANARY)),
    ),
    entry('B10', 'a reason that is no text', NO_TEXT, send(closing(1000, Buffer.of(0xff)))),
    entry('B11', 'an overlong character', NO_TEXT, send(text('c0af'))),
    entry('B11', 'a surrogate', NO_TEXT, send(text('eda080'))),
    entry('B11', 'beyond Unicode', NO_TEXT, send(text('f4908080'))),
    entry('B11', 'a character that is cut off', NO_TEXT, send(ws(CUT_TEXT, { opcode: TEXT }))),
    entry(
      'B11',
      'a character cut between fragments that goes on wrongly',
      NO_TEXT,
      send(ws(CUT_TEXT, { opcode: TEXT, fin: false }), ws('x', { opcode: CONTINUATION })),
    ),
    entry('B11', 'the same, a byte at a time', NO_TEXT, drip(ws(CUT_TEXT, { opcode: TEXT }))),
    entry(
      'B11',
      'a character that fragments and packets cut, and that is right',
      { lives: true, messages: ['😀'] },
      drip(ws(Buffer.from('f09f', 'hex'), { opcode: TEXT, fin: false })),
      drip(ws(Buffer.from('9880', 'hex'), { opcode: CONTINUATION })),
    ),
    {
      ...entry(
        'B11',
        'a message that is wrong at its first byte and does not end',
        NO_TEXT,
        send(ws(Buffer.of(0xff), { opcode: TEXT, fin: false })),
        rest(50),
        send(ws('', { opcode: CONTINUATION })),
      ),
      differs: 'fail-fast on the native backend; the package ws looks at a message when it is whole',
    },
    entry('B12', '100,000 pings', FLOOD, flood(ws(CANARY, { opcode: PING }), { count: 100_000 })),
  ],
};

/** 1,000 bytes are the most. */
export const websocketSizes: Family = {
  name: 'WebSocket, messages of 1,000 bytes',
  carrier: 'ws',
  dialect: 'ws',
  options: { maxMessage: 1000 },
  entries: [
    entry('B6', 'the most bytes', { lives: true, messages: ['1000 bytes'] }, send(ws(Buffer.alloc(1000)))),
    entry('B6', 'one more', TOO_BIG, send(ws(Buffer.alloc(1001)))),
    entry(
      'B6',
      'one more, in fragments',
      TOO_BIG,
      send(ws(Buffer.alloc(600), { fin: false }), ws(Buffer.alloc(401), { opcode: CONTINUATION })),
    ),
    entry(
      'B6',
      'the most bytes in packets of one byte',
      { lives: true, messages: ['1000 bytes'] },
      drip(ws(Buffer.alloc(1000))),
    ),
  ],
};

export const websocketFragments: Family = {
  name: 'WebSocket, fragments',
  carrier: 'ws',
  dialect: 'ws',
  entries: [
    entry(
      'B7',
      'ten million fragments of one byte',
      FLOOD,
      send(ws('a', { opcode: BINARY, fin: false })),
      flood(ws('a', { opcode: CONTINUATION, fin: false }), { count: 10_000_000 }),
    ),
    entry(
      'B7',
      'ten million empty fragments',
      FLOOD,
      send(ws('', { opcode: BINARY, fin: false })),
      flood(ws('', { opcode: CONTINUATION, fin: false }), { count: 10_000_000 }),
    ),
    {
      ...entry(
        'B7',
        'a message of 3 MiB that is left unfinished',
        { code: 8, wire: 'end', error: 'ERR_QW_CONNECTION_LOST' },
        act('resetPeak'),
        send(ws(Buffer.alloc(3 * MIB), { fin: false })),
        rest(100),
        end,
      ),
      // Twice the limit of 4 MiB.
      check: peakBelow(8 * MIB),
    },
  ],
};

/** What comes after our own last word. */
export const websocketEnds: Family = {
  name: 'WebSocket, closed by us',
  carrier: 'ws',
  dialect: 'ws',
  options: { closeTimeoutMs: 500 },
  entries: [
    behindOurEnd('B20', 'a peer that goes on sending, up to 1 GB', ws(Buffer.alloc(65_000)), {
      count: 16_000,
    }),
    behindOurEnd('B20', 'one that sends what are no frames, up to 1 GB', Buffer.alloc(65_000, 0xff), {
      count: 16_000,
      error: 'ERR_QW_PROTOCOL',
    }),
  ],
};
