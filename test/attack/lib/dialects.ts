/** What an attacker has to speak to get as far as its attack: openings, messages and last words, each by itself. */
import { qwh } from 'qwormhole/internal';
import { frame } from '../../support/frames.js';
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

export const HELLO: qwh.Hello = {
  versions: { min: 1, max: 1 },
  offered: 0n,
  required: 0n,
  limits: {
    maxMessage: 4_194_304,
    streamWindow: 262_144,
    connectionWindow: 1_048_576,
    maxStreams: 256,
    idleMs: 0,
  },
  codec: 'buffer',
  meta: qwh.encodeMeta({}),
  extensions: [],
};
const SID = new Uint8Array(16).fill(7);
/** As the end that calls, and as the one that answers. */
const SESSIONS = {
  initiator: { sid: SID, epoch: 0, token: new Uint8Array(32) },
  responder: { result: 0, sid: SID, epoch: 0 },
} as const;

const HEADER_BYTES = 8;
export const KIND = {
  pad: 0,
  ready: 1,
  hello: 2,
  goaway: 3,
  ping: 4,
  pong: 5,
  data: 0x11,
  cont: 0x14,
} as const;

/** A frame; what is not given is as it should be. */
export function qwhFrame(
  kind: number,
  body: Uint8Array = Buffer.alloc(0),
  { flags = 0, stream = 0 } = {},
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = kind;
  header[1] = flags;
  header.writeUInt16BE(body.length, 2);
  header.writeUInt32BE(stream, 4);
  return Buffer.concat([header, body]);
}

/** A record of frames, on a stream. */
export function record(...frames: Uint8Array[]): Buffer {
  const body = Buffer.concat(frames);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([length, body]);
}

/** The frames of whole records. */
function framesIn(bytes: Buffer): { kind: number; body: Buffer }[] {
  const frames: { kind: number; body: Buffer }[] = [];
  for (let at = 0; at + 2 <= bytes.length; at += 2 + bytes.readUInt16BE(at)) {
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) break;
    for (let inner = at + 2; inner + HEADER_BYTES <= end;) {
      const length = bytes.readUInt16BE(inner + 2);
      const begin = inner + HEADER_BYTES;
      frames.push({ kind: bytes[inner], body: bytes.subarray(begin, begin + length) });
      inner = begin + length;
    }
  }
  return frames;
}

const MAGIC = 'QWH1';
const ANSWER_BYTES = 8;
const REJECTED = 3;

/** All that one end of a handshake says by itself, given what the other one said. */
function said(side: 'initiator' | 'responder', given: Uint8Array = Buffer.alloc(0)): Buffer {
  const hello = { ...HELLO, session: SESSIONS[side] };
  const handshake = new qwh.Handshake({ side, carrier: 'stream', hello });
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
    const handshake = new qwh.Handshake({
      side,
      carrier: 'stream',
      hello: { ...HELLO, session: SESSIONS[side] },
    });
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
