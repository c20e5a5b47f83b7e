/** What an attacker has to speak to get as far as its attack: openings, messages and last words, each by itself. */
import { frame } from '../../support/frames.js';
import { framesIn, handshakeOf, KIND, qwhFrame, record } from '../../support/qwh-frames.js';
import { until } from '../../support/wait.js';
import { OPCODE, openingRequest, openingResponse, wsFrame, wsFrames } from '../../support/ws-frames.js';
import type { Attacker } from './attacker.js';

export interface Dialect {
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

const overQwh: Dialect = {
  async open(attacker) {
    const side = attacker.isCaller ? 'initiator' : 'responder';
    const handshake = handshakeOf(side, 'stream');
    let taken = 0;
    let isReady = false;
    for (;;) {
      for (let event = handshake.nextEvent(); event; event = handshake.nextEvent()) {
        if (event.type === 'send') await attacker.write(event.bytes);
        else if (event.type === 'verify') handshake.accept();
        else if (event.type === 'ready') isReady = true;
      }
      if (isReady || attacker.isClosed || attacker.hasEnded) break;
      await until(
        () => attacker.received.length > taken || attacker.isClosed || attacker.hasEnded,
        'the handshake',
      );
      taken += handshake.receive(attacker.received.subarray(taken));
    }
    attacker.begin = taken;
  },
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

export const DIALECTS = { 'length-prefixed': lengthPrefixed, ws, qwh: overQwh } as const;
export type DialectName = keyof typeof DIALECTS;
