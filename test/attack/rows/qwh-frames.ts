/** Records and frames of qwh that no well-behaved peer sends. */
import { CANARY } from '../lib/canary.js';
import { behindOurEnd, entry, MIB } from '../lib/entries.js';
import type { Entry, Expectation, Family } from '../lib/rows.js';
import { cut, drip, end, flood, rest, send, type Bytes } from '../lib/steps.js';
import { KIND, qwhFrame, record } from '../../support/qwh-frames.js';

const MORE = 2;
const [HIGH, LOW] = [0x20, 0x40];
const PROTOCOL: Expectation = { code: 2, wire: 2, error: 'ERR_QW_PROTOCOL' };
const TOO_BIG: Expectation = { code: 7, wire: 7, error: 'ERR_QW_TOO_BIG' };
const FLOOD: Expectation = { code: 12, wire: 12, error: 'ERR_QW_FLOOD' };

const broken = (id: string, what: string, ...bytes: Bytes[]): Entry =>
  entry(id, what, PROTOCOL, send(...bytes));

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
/** The beginning of a message of several frames: its size, and some of it. */
const begun = (size: number, text: string, flags = 0): Buffer =>
  record(qwhFrame(KIND.data, Buffer.concat([u32(size), Buffer.from(text)]), { flags: MORE | flags }));
const data = (text: string, shape = {}): Buffer => record(qwhFrame(KIND.data, Buffer.from(text), shape));
const cont = (text: string, shape = {}): Buffer => record(qwhFrame(KIND.cont, Buffer.from(text), shape));

/** Types between those of version 1, which nobody may use. */
const UNKNOWN = [0x06, 0x0f, 0x10, 0x12, 0x15, 0x20, 0x7f];

const sound = Buffer.concat([
  data('one'),
  begun(6, 'tw', HIGH),
  data('low', { flags: LOW }),
  record(
    qwhFrame(KIND.pad, Buffer.from('passed over')),
    qwhFrame(0x80, Buffer.from('as well'), { stream: 9 }),
  ),
  cont('o an', { flags: HIGH }),
  data(''),
]);
const SOUND = ['one', 'low', 'two an', ''];

export const qwhFrames: Family = {
  name: 'qwh',
  carrier: 'tcp',
  dialect: 'qwh',
  options: { maxMessage: 100_000 },
  entries: [
    entry('B8', 'a message too long, in fragments', PROTOCOL, send(begun(6, 'abc'), cont(CANARY))),
    broken('B8', 'a message inside of a message', begun(6, 'abc'), data(CANARY)),
    broken('B8', 'a continuation first', cont(CANARY)),
    broken('B8', 'a continuation of another class', begun(6, 'abc'), cont('def', { flags: HIGH })),
    broken('B8', 'a fragment that brings nothing', begun(6, 'abc'), cont('', { flags: MORE })),
    entry('B6', 'a message that is announced as too big', TOO_BIG, send(begun(100_001, 'a'))),
    entry('B5', '4 GB are announced', TOO_BIG, send(begun(0xffff_ffff, CANARY))),
    broken('B17', 'an empty record', Buffer.of(0, 0)),
    broken('B17', 'a frame longer than its record', Buffer.from('000911000002000000006162', 'hex')),
    broken(
      'B17',
      'less than a frame at the end of a record',
      Buffer.from('000c1100000100000000612020', 'hex'),
      Buffer.alloc(9),
    ),
    ...UNKNOWN.map((kind) => broken('B17', `frames of type ${kind}`, record(qwhFrame(kind)))),
    ...[1, 4, 0x10, 0x80, HIGH | LOW].map((flags) =>
      broken('B17', `flags ${flags}`, data(CANARY, { flags })),
    ),
    broken('B17', 'a stream', data(CANARY, { stream: 1 })),
    broken('B17', 'READY again', record(qwhFrame(KIND.ready))),
    broken('B17', 'HELLO again', record(qwhFrame(KIND.hello, Buffer.from(CANARY)))),
    broken('B17', 'a PING of 7 bytes', record(qwhFrame(KIND.ping, Buffer.alloc(7)))),
    broken('B17', 'a GOAWAY of 3 bytes', record(qwhFrame(KIND.goaway, Buffer.alloc(3)))),
    broken('B17', 'a GOAWAY whose reason is no text', record(qwhFrame(KIND.goaway, Buffer.alloc(20, 0xff)))),
    ...[1, 2, 5, 10, 12].map((bytes) =>
      entry(
        'B17',
        `the end after ${bytes} bytes`,
        { code: 8, error: 'ERR_QW_CONNECTION_LOST' },
        send(data(CANARY).subarray(0, bytes)),
        rest(5),
        end,
      ),
    ),
    entry('B17', 'a byte at a time', { lives: true, messages: SOUND }, drip(sound)),
    ...Array.from({ length: 20 }, (_, number) =>
      entry('B17', `cut at random, ${number}`, { lives: true, messages: SOUND }, cut(sound)),
    ),
  ],
};

export const qwhFloods: Family = {
  name: 'qwh, floods',
  carrier: 'tcp',
  dialect: 'qwh',
  options: { closeTimeoutMs: 500 },
  entries: [
    entry(
      'B12',
      '100,000 PINGs',
      FLOOD,
      flood(record(qwhFrame(KIND.ping, Buffer.alloc(8))), { count: 100_000 }),
    ),
    entry(
      'B12',
      '100,000 frames that are passed over',
      FLOOD,
      flood(record(qwhFrame(0x80)), { count: 100_000 }),
    ),
    entry('B12', '100,000 PADs', FLOOD, flood(record(qwhFrame(KIND.pad)), { count: 100_000 })),
    entry(
      'B7',
      'a million fragments of one byte',
      FLOOD,
      send(begun(3 * MIB, 'a')),
      flood(cont('a', { flags: MORE }), { count: 1_000_000 }),
    ),
    behindOurEnd(
      'B20',
      'a peer that goes on sending after our GOAWAY, up to 1 GB',
      data('x'.repeat(60_000)),
      {
        count: 16_000,
      },
    ),
    behindOurEnd(
      'B20',
      'one that sends what are no records after our GOAWAY, up to 1 GB',
      Buffer.alloc(60_000, 0xff),
      { count: 16_000, error: 'ERR_QW_PROTOCOL' },
    ),
  ],
};
