/** Records and frames of qwh that no well-behaved peer sends. */
import { CANARY } from '../lib/canary.js';
import { behindOurEnd, entry, MIB } from '../lib/entries.js';
import type { ByBackend, Entry, Expectation, Family, Step } from '../lib/rows.js';
import { bytesOf, cut, drip, end, flood, records, rest, send, when, ws, type Bytes } from '../lib/steps.js';
import { KIND, qwhFrame, record } from '../../support/qwh-frames.js';
import { OPCODE } from '../../support/ws-frames.js';

const MORE = 2;
const [HIGH, LOW] = [0x20, 0x40];
const PROTOCOL: Expectation = { code: 2, wire: 2, error: 'ERR_QW_PROTOCOL' };
const TOO_BIG: Expectation = { code: 7, wire: 7, error: 'ERR_QW_TOO_BIG' };
const FLOOD: Expectation = { code: 12, wire: 12, error: 'ERR_QW_FLOOD' };

const broken = (id: string, what: string, ...bytes: Buffer[]): Entry =>
  entry(id, what, PROTOCOL, send(records(...bytes)));

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

const frames: readonly Entry[] = [
  entry('B8', 'a message too long, in fragments', PROTOCOL, send(records(begun(6, 'abc'), cont(CANARY)))),
  broken('B8', 'a message inside of a message', begun(6, 'abc'), data(CANARY)),
  broken('B8', 'a continuation first', cont(CANARY)),
  broken('B8', 'a continuation of another class', begun(6, 'abc'), cont('def', { flags: HIGH })),
  broken('B8', 'a fragment that brings nothing', begun(6, 'abc'), cont('', { flags: MORE })),
  entry('B6', 'a message that is announced as too big', TOO_BIG, send(records(begun(100_001, 'a')))),
  entry('B5', '4 GB are announced', TOO_BIG, send(records(begun(0xffff_ffff, CANARY)))),
  broken('B17', 'an empty record', Buffer.of(0, 0)),
  broken('B17', 'a frame longer than its record', record(Buffer.from('110000020000000061', 'hex'))),
  broken(
    'B17',
    'less than a frame at the end of a record',
    record(qwhFrame(KIND.data, Buffer.from('a')), Buffer.alloc(7)),
  ),
  ...UNKNOWN.map((kind) => broken('B17', `frames of type ${kind}`, record(qwhFrame(kind)))),
  ...[1, 4, 0x10, 0x80, HIGH | LOW].map((flags) => broken('B17', `flags ${flags}`, data(CANARY, { flags }))),
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
      send((on) => bytesOf(on, records(data(CANARY))).subarray(0, bytes)),
      rest(5),
      end,
    ),
  ),
  entry('B17', 'a byte at a time', { lives: true, messages: SOUND }, drip(records(sound))),
  ...Array.from({ length: 20 }, (_, number) =>
    entry('B17', `cut at random, ${number}`, { lives: true, messages: SOUND }, cut(records(sound))),
  ),
];

/** What comes with READY in one read may be taken for a part of the handshake. */
const known: Step = when(
  'the connection at our end',
  async ({ report, role, attacker }) =>
    role === 'client' || (await report()).accounts.some(({ port }) => port === attacker.port),
);

/** What only a carrier with messages of its own can be told: it answers with a GOAWAY, or with its close frame alone. */
const messages: readonly Entry[] = [
  entry('B17', 'a text', { ...PROTOCOL, wire: [2, 1002] }, known, send(ws(CANARY))),
  entry(
    'B17',
    'a message of 65,536 bytes',
    { ...TOO_BIG, wire: [7, 1009] },
    known,
    send(ws(Buffer.alloc(65_536))),
  ),
  entry(
    'B17',
    'a record in two fragments',
    { lives: true, messages: ['halves'] },
    send(...inHalves('halves')),
  ),
];

/** A record that comes in fragments of WebSocket. */
function inHalves(text: string): Bytes[] {
  const bytes = qwhFrame(KIND.data, Buffer.from(text));
  return [ws(bytes.subarray(0, 3), { fin: false }), ws(bytes.subarray(3), { opcode: OPCODE.continuation })];
}

export const qwhFrames: Family = {
  name: 'qwh',
  carrier: 'tcp',
  dialect: 'qwh',
  options: { maxMessage: 100_000 },
  entries: frames,
};

export const qwhFramesOverWebSocket: Family = {
  ...qwhFrames,
  name: 'qwh over WebSocket',
  carrier: 'ws',
  dialect: 'qwh over ws',
  options: { ...qwhFrames.options, closeTimeoutMs: 300 },
  entries: [...frames, ...messages],
};

/** @param noRecords Of the end of a peer that sends such: whether anybody looks at them depends on the carrier. */
const floods = (noRecords: ByBackend<string>): readonly Entry[] => [
  entry(
    'B12',
    '100,000 PINGs',
    FLOOD,
    flood(records(record(qwhFrame(KIND.ping, Buffer.alloc(8)))), { count: 100_000 }),
  ),
  entry(
    'B12',
    '100,000 frames that are passed over',
    FLOOD,
    flood(records(record(qwhFrame(0x80))), { count: 100_000 }),
  ),
  entry('B12', '100,000 PADs', FLOOD, flood(records(record(qwhFrame(KIND.pad))), { count: 100_000 })),
  entry(
    'B7',
    'a million fragments of one byte',
    FLOOD,
    send(records(begun(3 * MIB, 'a'))),
    flood(records(cont('a', { flags: MORE })), { count: 1_000_000 }),
  ),
  behindOurEnd(
    'B20',
    'a peer that goes on sending after our GOAWAY, up to 1 GB',
    records(data('x'.repeat(60_000))),
    {
      count: 16_000,
    },
  ),
  behindOurEnd(
    'B20',
    'one that sends what are no records after our GOAWAY, up to 1 GB',
    Buffer.alloc(60_000, 0xff),
    { count: 16_000, error: noRecords },
  ),
];

export const qwhFloods: Family = {
  name: 'qwh, floods',
  carrier: 'tcp',
  dialect: 'qwh',
  options: { closeTimeoutMs: 500 },
  entries: floods('ERR_QW_PROTOCOL'),
};

export const qwhFloodsOverWebSocket: Family = {
  ...qwhFloods,
  name: 'qwh over WebSocket, floods',
  carrier: 'ws',
  dialect: 'qwh over ws',
  entries: floods({ ts: 'ERR_QW_CLOSE_TIMEOUT', native: 'ERR_QW_PROTOCOL' }),
};
