/** Frames, records and sides of a handshake of QWH/1, for peers that speak it on their own. */
import { qwh } from 'qwormhole/internal';

const HELLO = {
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

/** One end of a handshake. */
export function handshakeOf(side: 'initiator' | 'responder', carrier: 'stream' | 'messages'): qwh.Handshake {
  return new qwh.Handshake({ side, carrier, hello: { ...HELLO, session: SESSIONS[side] } });
}

export const HEADER_BYTES = 8;
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

/** The whole records of a stream, without their lengths. */
export function recordsIn(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) break;
    records.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return records;
}

/** The frames of whole records. */
export function framesIn(bytes: Buffer): { kind: number; body: Buffer }[] {
  return recordsIn(bytes).flatMap((each) => framesOf(each));
}

/** Those of one. */
export function framesOf(bytes: Buffer): { kind: number; body: Buffer }[] {
  const frames: { kind: number; body: Buffer }[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const begin = at + HEADER_BYTES;
    const end = begin + bytes.readUInt16BE(at + 2);
    frames.push({ kind: bytes[at], body: bytes.subarray(begin, end) });
    at = end;
  }
  return frames;
}
