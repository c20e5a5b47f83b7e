/**
 * The first bytes of a connection, before there are records: what the initiator wants to speak, and the
 * responder's answer.
 */
import { CloseCode } from '../close-codes.js';
import { concat, fromUtf8, u16, u16At, utf8 } from './bytes.js';
import { Fault, preambleFault } from './fault.js';
import { ANSWER, MAGIC, MAX_PREAMBLE_EXTENSION, MAX_ROUTE, PREAMBLE } from './limits.js';
import { isIgnorable, readTlvs, tlv } from './tlv.js';

const KIND_PREAMBLE = 1;
const KIND_ACCEPT = 2;
const KIND_REJECT = 3;

/** TLV of the extension: the name of a virtual host. */
const ROUTE = 3;

/** What protects the records. */
export const Security = Object.freeze({
  /** Nothing of ours: the carrier as it is. */
  none: 0,
  /** TLS 1.3 below, bound to the session by its exporter. */
  outer: 2,
});
export type SecurityLevel = (typeof Security)[keyof typeof Security];

/** A range of protocol versions, both ends included; the oldest is at least 1. */
export interface Versions {
  readonly min: number;
  readonly max: number;
}

/** What an initiator begins with. */
export interface Preamble {
  /** What it wants to protect records with. */
  readonly security: SecurityLevel;
  /** What it speaks; the same as in its HELLO. */
  readonly versions: Versions;
  /** The virtual host it wants, 1 to 255 bytes. */
  readonly route?: string;
}

/** Whether this is a range of versions that exist. */
export function isRange({ min, max }: Versions): boolean {
  return min >= 1 && min <= max;
}

/** The newest version that both know. */
export function commonVersion(one: Versions, other: Versions): number | undefined {
  const version = Math.min(one.max, other.max);
  return version >= Math.max(one.min, other.min) ? version : undefined;
}

/** The bytes to send. */
export function encodePreamble({ security, versions, route }: Preamble): Uint8Array {
  const extension = route === undefined ? [] : tlv(ROUTE, utf8(route));
  const fixed = [...MAGIC, KIND_PREAMBLE, security, 0, 0, versions.min, versions.max, 0, 0];
  return concat(fixed, u16(Math.min(extension.length, 0xffff)), extension);
}

/**
 * How many bytes a preamble has that begins with these, as far as they tell. What is wrong shows at its first
 * byte, so that the peer of another protocol is refused before it sent much.
 */
export function preambleLength(bytes: Uint8Array): number {
  checkMagic(bytes);
  const { length } = bytes;
  if (length > 4 && bytes[4] !== KIND_PREAMBLE) throw preambleFault('the first bytes are no preamble');
  if (length > 5 && !isSecurity(bytes[5]))
    throw new Fault(CloseCode.security, 'this security is not spoken here');
  if (bytes.subarray(6, 8).some(Boolean))
    throw new Fault(CloseCode.suite, 'this pattern or suite is not spoken here');
  if (length > 9 && !isRange({ min: bytes[8], max: bytes[9] }))
    throw preambleFault('the versions are no range');
  if (bytes.subarray(10, 12).some(Boolean)) throw preambleFault('reserved bytes are not zero');
  if (length < PREAMBLE) return PREAMBLE;
  const extension = u16At(bytes, 12);
  if (extension > MAX_PREAMBLE_EXTENSION) throw preambleFault('the extension is too long');
  return PREAMBLE + extension;
}

/** Reads a whole preamble. */
export function parsePreamble(bytes: Uint8Array): Preamble {
  if (preambleLength(bytes) !== bytes.length) throw preambleFault('the preamble has not its length');
  return {
    security: bytes[5] as SecurityLevel,
    versions: { min: bytes[8], max: bytes[9] },
    route: parseExtension(bytes.subarray(PREAMBLE)),
  };
}

function parseExtension(bytes: Uint8Array): string | undefined {
  let route: string | undefined;
  for (const { type, value } of readTlvs(bytes, preambleFault)) {
    if (type === ROUTE) {
      route = fromUtf8(value);
      const isName = route !== undefined && value.length > 0 && value.length <= MAX_ROUTE;
      if (!isName) throw preambleFault('the route is no name');
    } else if (!isIgnorable(type)) throw preambleFault('the extension needs what is not known here');
  }
  return route;
}

/**
 * What a responder answers to a preamble: what records will be protected with, which is what was offered or
 * nothing, or the code of its refusal. Nobody vouches for that code: report it, and never retry with less
 * security.
 */
export type Answer =
  | { readonly accept: SecurityLevel; readonly reject?: never }
  | { readonly reject: number; readonly accept?: never };

/** The bytes to send. */
export function encodeAnswer({ accept, reject }: Answer): Uint8Array {
  if (reject !== undefined) return concat(MAGIC, [KIND_REJECT], u16(reject), [0]);
  return concat(MAGIC, [KIND_ACCEPT, accept, 0, 0]);
}

/** Reads the front of an answer; `undefined` before it is whole. */
export function parseAnswer(bytes: Uint8Array): Answer | undefined {
  checkMagic(bytes);
  const kind = bytes[4];
  if (bytes.length > 4 && kind !== KIND_ACCEPT && kind !== KIND_REJECT)
    throw preambleFault('the first bytes are no answer');
  if (bytes.length < ANSWER) return undefined;
  if (kind === KIND_REJECT) {
    if (bytes[7] !== 0) throw preambleFault('reserved bytes are not zero');
    return { reject: u16At(bytes, 5) };
  }
  const security = bytes[5];
  if (!isSecurity(security)) throw new Fault(CloseCode.security, "the answer's security was not offered");
  if (bytes[6] !== 0 || bytes[7] !== 0)
    throw new Fault(CloseCode.suite, "the answer's pattern or suite was not offered");
  return { accept: security };
}

function isSecurity(byte: number): byte is SecurityLevel {
  return byte === Security.none || byte === Security.outer;
}

function checkMagic(bytes: Uint8Array): void {
  const front = bytes.subarray(0, MAGIC.length);
  if (front.some((byte, index) => byte !== MAGIC[index]))
    throw preambleFault('the first bytes are not those of this protocol');
}
