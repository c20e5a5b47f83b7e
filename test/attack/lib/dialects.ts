/** What an attacker has to speak to get as far as its attack: openings, messages and last words, each by itself. */
import { frame } from '../../support/frames.js';
import {
  framesIn,
  framesOf,
  handshakeOf,
  KIND,
  qwhFrame,
  record,
  recordsIn,
} from '../../support/qwh-frames.js';
import { until } from '../../support/wait.js';
import { OPCODE, openingRequest, openingResponse, wsFrame, wsFrames } from '../../support/ws-frames.js';
import type { Attacker } from './attacker.js';

export interface Dialect {
  /** What the target's option is. */
  readonly protocol: string;
  /** Until messages may flow; gives up when the other end does. */
  open(attacker: Attacker, headers?: readonly string[]): Promise<void>;
  pack(attacker: Attacker, payload: Uint8Array | string): Buffer;
  /** The messages that came since it was opened, where they are whole. */
  payloads(attacker: Attacker): Buffer[];
  /** What it was told: an HTTP status, or the code of a last word. */
  farewell(attacker: Attacker): number | undefined;
}

const rest = (attacker: Attacker): Buffer => attacker.received.subarray(attacker.begin);

const HEAD_END = '\r\n\r\n';

const lengthPrefixed: Dialect = {
  protocol: 'length-prefixed',
  async open() {},
  pack: (_attacker, payload) => frame(payload),
  payloads(attacker) {
    const bytes = rest(attacker);
    const payloads: Buffer[] = [];
    for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readUInt32BE(at)) {
      const end = at + 4 + bytes.readUInt32BE(at);
      if (end <= bytes.length) payloads.push(bytes.subarray(at + 4, end));
    }
    return payloads;
  },
  farewell: () => undefined,
};

const ws: Dialect = {
  protocol: 'raw',
  async open(attacker, headers = []) {
    if (attacker.isCaller) await attacker.write(openingRequest('/', '127.0.0.1', headers));
    await until(() => attacker.received.includes(HEAD_END) || attacker.isClosed, 'the opening');
    const head = attacker.received.indexOf(HEAD_END) + HEAD_END.length;
    attacker.begin = head;
    if (!attacker.isCaller)
      await attacker.write(openingResponse(attacker.received.toString('latin1', 0, head), headers));
  },
  pack: (attacker, payload) => wsFrame(payload, { mask: attacker.isCaller }),
  payloads: (attacker) =>
    wsFrames(rest(attacker))
      .filter(({ opcode }) => opcode < OPCODE.close)
      .map(({ payload }) => payload),
  farewell(attacker) {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(attacker.received.toString('latin1', 0, 12))?.[1];
    if (attacker.isCaller && status !== undefined && status !== '101') return Number(status);
    const last = wsFrames(rest(attacker)).find(({ opcode }) => opcode === OPCODE.close);
    if (last === undefined) return undefined;
    return last.payload.length < 2 ? 1005 : last.payload.readUInt16BE();
  },
};

const MAGIC = 'QWH1';
const ANSWER_BYTES = 8;
const REJECTED = 3;

/** All that one end of a handshake says by itself, given what the other one said. */
function said(side: 'initiator' | 'responder', given: Uint8Array = Buffer.alloc(0)): Buffer {
  const handshake = handshakeOf(side, 'stream');
  handshake.receive(given);
  const sent: Uint8Array[] = [];
  for (let event = handshake.nextEvent(); event; event = handshake.nextEvent())
    if (event.type === 'send') sent.push(event.bytes);
  return Buffer.concat(sent);
}

/** A preamble of 14 bytes and a HELLO. */
export const opening = (): Buffer => said('initiator');
/** An answer of 8 bytes and a HELLO. */
export const answering = (): Buffer => said('responder', opening());

/** What carries a handshake: how its bytes go out, and what came that it has not taken. */
interface Carrying {
  readonly carrier: 'stream' | 'messages';
  write(bytes: Uint8Array): Promise<void>;
  came(): Uint8Array | undefined;
  took(bytes: number): void;
}

/** A handshake of qwh, until messages may flow. */
async function shakeHands(attacker: Attacker, { carrier, write, came, took }: Carrying): Promise<void> {
  const handshake = handshakeOf(attacker.isCaller ? 'initiator' : 'responder', carrier);
  const isOver = (): boolean => attacker.isClosed || attacker.hasEnded;
  let isReady = false;
  for (;;) {
    for (let event = handshake.nextEvent(); event; event = handshake.nextEvent()) {
      if (event.type === 'send') await write(event.bytes);
      else if (event.type === 'verify') handshake.accept();
      else if (event.type === 'ready') isReady = true;
    }
    if (isReady || isOver()) return;
    await until(() => came() !== undefined || isOver(), 'the handshake');
    const bytes = came();
    if (bytes !== undefined) took(handshake.receive(bytes));
  }
}

const overQwh: Dialect = {
  protocol: 'qwh',
  open: (attacker) =>
    shakeHands(attacker, {
      carrier: 'stream',
      write: (bytes) => attacker.write(bytes),
      came: () => (rest(attacker).length > 0 ? rest(attacker) : undefined),
      took: (bytes) => void (attacker.begin += bytes),
    }),
  pack: (_attacker, payload) => record(qwhFrame(KIND.data, Buffer.from(payload as Uint8Array))),
  payloads: (attacker) =>
    framesIn(rest(attacker))
      .filter(({ kind }) => kind === KIND.data)
      .map(({ body }) => body),
  farewell(attacker) {
    const bytes = attacker.received;
    if (attacker.isCaller && bytes[4] === REJECTED && bytes.toString('latin1', 0, 4) === MAGIC)
      return bytes.readUInt16BE(5);
    const whole = attacker.isCaller ? bytes.subarray(ANSWER_BYTES) : rest(attacker);
    return framesIn(whole)
      .find(({ kind }) => kind === KIND.goaway)
      ?.body.readUInt16BE();
  },
};

/** The name of qwh in an opening of WebSocket. */
export const QWH_SUBPROTOCOL = 'Sec-WebSocket-Protocol: qwh.v1';

/** What a message of WebSocket carries: a record, or in front of them a preamble or its answer. */
const messagesOf = (attacker: Attacker): Buffer[] => ws.payloads(attacker);

/** Frames of qwh in messages; a preamble and an answer look like frames of a type that there is not. */
const framesFrom = (attacker: Attacker): ReturnType<typeof framesOf> =>
  messagesOf(attacker).flatMap(framesOf);

const qwhOverWs: Dialect = {
  protocol: 'qwh',
  async open(attacker) {
    await ws.open(attacker, [QWH_SUBPROTOCOL]);
    let taken = 0;
    await shakeHands(attacker, {
      carrier: 'messages',
      write: (bytes) => attacker.write(messageOf(attacker, bytes)),
      came: () => messagesOf(attacker)[taken],
      took: () => void (taken += 1),
    });
  },
  pack: (attacker, payload) => messageOf(attacker, qwhFrame(KIND.data, Buffer.from(payload as Uint8Array))),
  payloads: (attacker) =>
    framesFrom(attacker)
      .filter(({ kind }) => kind === KIND.data)
      .map(({ body }) => body),
  farewell(attacker) {
    const [first] = messagesOf(attacker);
    if (first?.[4] === REJECTED && first.toString('latin1', 0, 4) === MAGIC) return first.readUInt16BE(5);
    const last = framesFrom(attacker).find(({ kind }) => kind === KIND.goaway);
    return last?.body.readUInt16BE() ?? ws.farewell(attacker);
  },
};

/** A message of WebSocket. */
export const messageOf = (attacker: Attacker, bytes: Uint8Array): Buffer =>
  wsFrame(bytes, { mask: attacker.isCaller });

/** Records of a stream as the dialect carries them. */
export function carried(attacker: Attacker, dialect: Dialect, records: Buffer): Buffer {
  if (dialect !== qwhOverWs) return records;
  return Buffer.concat(recordsIn(records).map((each) => messageOf(attacker, each)));
}

export const DIALECTS = {
  'length-prefixed': lengthPrefixed,
  ws,
  qwh: overQwh,
  'qwh over ws': qwhOverWs,
} as const;
export type DialectName = keyof typeof DIALECTS;
