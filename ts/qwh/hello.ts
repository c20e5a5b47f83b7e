/** HELLO: what an endpoint is, wants and allows. */
import { CloseCode } from '../close-codes.js';
import { concat, fromUtf8, u16, u16At, u32, u32At, u64, u64At, utf8 } from './bytes.js';
import { type Extension, FIRST_EXTENSION, encodeExtension, parseExtension } from './extension.js';
import { Fault, protocolFault } from './fault.js';
import { MAX_CODEC, MAX_EXTENSION_BYTES, MAX_EXTENSIONS, MAX_HELLO } from './limits.js';
import { checkMeta } from './meta.js';
import { isRange, type Versions } from './preamble.js';
import { isIgnorable, readTlvs, tlv } from './tlv.js';

/** The types of TLVs that are known. The even ones of later versions are not: they must not come. */
const TYPE = {
  meta: 5,
  version: 6,
  trace: 7,
  codec: 9,
  caps: 10,
  limits: 12,
  session: 16,
} as const;

const TRACE_BYTES = 25;
const CAPS_BYTES = 16;
const LIMITS_BYTES = 18;
const SID_BYTES = 16;
const WISH_BYTES = 52;
const ANSWER_BYTES = 21;
/** The largest `result` of a session's answer. */
const LAST_RESULT = 2;

/** What an endpoint lets its peer send. */
export interface PeerLimits {
  /** Largest message, bytes, at least 1. */
  readonly maxMessage: number;
  /** First credit of a stream, bytes; means nothing without the capability `flow`. */
  readonly streamWindow: number;
  /** First credit of the connection, bytes; as above. */
  readonly connectionWindow: number;
  /** Most streams open at once; as above. */
  readonly maxStreams: number;
  /** It ends the connection if nothing at all comes for so long, milliseconds; 0 is never. */
  readonly idleMs: number;
}

/** The initiator's wish for a session. */
export interface SessionWish {
  /** 16 random bytes of its own, or those of the session it wants back. */
  readonly sid: Uint8Array;
  /** 0, or the epoch of the session it wants back. */
  readonly epoch: number;
  /** 32 zeros, or the token of the session it wants back. */
  readonly token: Uint8Array;
}

/** The responder's answer to it. */
export interface SessionAnswer {
  /** 0 new, 1 resumed, 2 lost. */
  readonly result: number;
  /** The session's identifier: 16 random bytes. */
  readonly sid: Uint8Array;
  /** How often it was resumed. */
  readonly epoch: number;
}

/** What an endpoint says of itself. */
export interface Hello {
  /** Versions of the protocol that it speaks. */
  readonly versions: Versions;
  /** Capabilities it has: bits of `CAPS`. */
  readonly offered: bigint;
  /** Those of them without which it does not want the connection. */
  readonly required: bigint;
  /** What the other end may send to it. */
  readonly limits: PeerLimits;
  /** The name of its codec, 1 to 32 bytes; both ends must have the same. */
  readonly codec: string;
  /** Which session this is. */
  readonly session?: SessionWish | SessionAnswer;
  /** A JSON object of at most 4 KiB and eight levels. */
  readonly meta?: string;
  /** A trace context: trace id (16), span id (8), flags (1). */
  readonly trace?: Uint8Array;
  /** What the protocol does not know, in ascending order of types. */
  readonly extensions: readonly Extension[];
}

/** The TLVs to send, as the initiator or the responder. */
export function encodeHello(hello: Hello, fromInitiator: boolean): Uint8Array {
  const { versions, offered, required, limits, codec, session, meta, trace, extensions } = hello;
  const parts: Uint8Array[] = [];
  if (meta !== undefined) parts.push(tlv(TYPE.meta, utf8(meta)));
  parts.push(tlv(TYPE.version, [versions.min, versions.max]));
  if (trace !== undefined) parts.push(tlv(TYPE.trace, trace));
  parts.push(tlv(TYPE.codec, utf8(codec)));
  parts.push(tlv(TYPE.caps, [...u64(offered), ...u64(required)]));
  parts.push(tlv(TYPE.limits, encodeLimits(limits)));
  if (session !== undefined) parts.push(tlv(TYPE.session, encodeSession(session)));
  for (const extension of extensions) parts.push(tlv(extension.type, encodeExtension(extension)));
  const bytes = concat(...parts);
  // What we would not accept we do not send; and what would not arrive as it is.
  if (!arrives(hello, parseHello(bytes, fromInitiator)))
    throw protocolFault('the HELLO does not arrive as it is');
  return bytes;
}

/** Reads the TLVs of a peer, which is the initiator or the responder. */
export function parseHello(bytes: Uint8Array, fromInitiator: boolean): Hello {
  if (bytes.length > MAX_HELLO) throw new Fault(CloseCode.too_big, 'the HELLO is too long');
  const parts: Parts = { extensions: [], extensionBytes: 0 };
  for (const { type, value } of readTlvs(bytes, protocolFault)) takePart(parts, type, value, fromInitiator);
  const { versions, caps, limits, codec, session, meta, trace, extensions } = parts;
  if (versions === undefined || caps === undefined || limits === undefined || codec === undefined)
    throw protocolFault('the HELLO lacks what it must have');
  const [offered, required] = caps;
  return { versions, offered, required, limits, codec, session, meta, trace, extensions };
}

/** A HELLO as it comes. */
interface Parts {
  versions?: Versions;
  caps?: readonly [bigint, bigint];
  limits?: PeerLimits;
  codec?: string;
  session?: SessionWish | SessionAnswer;
  meta?: string;
  trace?: Uint8Array;
  extensions: Extension[];
  extensionBytes: number;
}

function takePart(parts: Parts, type: number, value: Uint8Array, fromInitiator: boolean): void {
  if (type === TYPE.meta) parts.meta = checkMeta(value);
  else if (type === TYPE.version) parts.versions = parseVersions(value);
  else if (type === TYPE.trace)
    parts.trace = exactly(TRACE_BYTES, value, 'the trace has not 25 bytes').slice();
  else if (type === TYPE.codec) parts.codec = parseCodec(value);
  else if (type === TYPE.caps) {
    exactly(CAPS_BYTES, value, 'the capabilities have not 16 bytes');
    parts.caps = [u64At(value, 0), u64At(value, 8)];
  } else if (type === TYPE.limits) parts.limits = parseLimits(value);
  else if (type === TYPE.session) parts.session = fromInitiator ? parseWish(value) : parseAnswer(value);
  else if (type >= FIRST_EXTENSION) takeExtension(parts, type, value);
  else if (!isIgnorable(type)) throw protocolFault('the HELLO needs what is not known here');
}

function takeExtension(parts: Parts, type: number, value: Uint8Array): void {
  parts.extensionBytes += value.length;
  if (parts.extensions.length === MAX_EXTENSIONS || parts.extensionBytes > MAX_EXTENSION_BYTES)
    throw protocolFault('there are too many extensions');
  parts.extensions.push(parseExtension(type, value));
}

function exactly(length: number, value: Uint8Array, reason: string): Uint8Array {
  if (value.length !== length) throw protocolFault(reason);
  return value;
}

function parseVersions(value: Uint8Array): Versions {
  const versions = { min: value[0], max: value[1] };
  if (value.length !== 2 || !isRange(versions)) throw protocolFault('the versions are no range');
  return versions;
}

function parseCodec(value: Uint8Array): string {
  const name = value.length > 0 && value.length <= MAX_CODEC ? fromUtf8(value) : undefined;
  if (name === undefined) throw protocolFault('the codec has no name');
  return name;
}

function encodeLimits(limits: PeerLimits): number[] {
  return [
    ...u32(limits.maxMessage),
    ...u32(limits.streamWindow),
    ...u32(limits.connectionWindow),
    ...u16(limits.maxStreams),
    ...u32(limits.idleMs),
  ];
}

function parseLimits(value: Uint8Array): PeerLimits {
  exactly(LIMITS_BYTES, value, 'the limits have not 18 bytes');
  const maxMessage = u32At(value, 0);
  if (maxMessage === 0) throw protocolFault('the limits allow no message');
  return {
    maxMessage,
    streamWindow: u32At(value, 4),
    connectionWindow: u32At(value, 8),
    maxStreams: u16At(value, 12),
    idleMs: u32At(value, 14),
  };
}

function encodeSession(session: SessionWish | SessionAnswer): Uint8Array {
  if ('token' in session) return concat(session.sid, u32(session.epoch), session.token);
  return concat([session.result], session.sid, u32(session.epoch));
}

function parseWish(value: Uint8Array): SessionWish {
  exactly(WISH_BYTES, value, 'the session is malformed');
  const token = SID_BYTES + 4;
  return { sid: value.slice(0, SID_BYTES), epoch: u32At(value, SID_BYTES), token: value.slice(token) };
}

function parseAnswer(value: Uint8Array): SessionAnswer {
  exactly(ANSWER_BYTES, value, 'the session is malformed');
  const [result] = value;
  if (result > LAST_RESULT) throw protocolFault('the session is malformed');
  const end = 1 + SID_BYTES;
  return { result, sid: value.slice(1, end), epoch: u32At(value, end) };
}

/** Whether what was encoded says what was meant. */
function arrives(meant: Hello, parsed: Hello): boolean {
  return comparable(meant) === comparable(parsed);
}

function comparable(hello: Hello): string {
  const { versions, limits, extensions } = hello;
  return JSON.stringify([
    [versions.min, versions.max, String(hello.offered), String(hello.required)],
    encodeLimits(limits).concat(limits.maxMessage, limits.streamWindow, limits.connectionWindow),
    [limits.maxStreams, limits.idleMs, hello.codec, hello.meta],
    hello.session === undefined ? null : Array.from(encodeSession(hello.session)),
    hello.trace === undefined ? null : Array.from(hello.trace),
    extensions.map(({ type, name, value }) => [type, name, Array.from(value)]),
  ]);
}
