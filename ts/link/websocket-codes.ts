/**
 * Close codes on the wire of WebSocket. Those of our number space that have a standard code are sent as that,
 * the others as 4400 and more; numbers from 1000 on are WebSocket's own and stay what they are.
 */
import { CloseCode } from '../close-codes.js';

const STANDARD = new Map<number, number>([
  [CloseCode.ok, 1000],
  [CloseCode.protocol, 1002],
  [CloseCode.rejected_by_policy, 1008],
  [CloseCode.rate_limited, 1008],
  [CloseCode.too_big, 1009],
  [CloseCode.internal, 1011],
  [CloseCode.shutdown, 1012],
  [CloseCode.busy, 1013],
]);

const FROM_STANDARD = new Map<number, number>([
  ...[...STANDARD].toReversed().map(([ours, standard]) => [standard, ours] as const),
  // An end without a code, and one without a close frame.
  [1005, CloseCode.ok],
  [1006, CloseCode.timeout],
]);

/** Where our numbers begin and end among the private codes. */
const OURS = 4400;
const MAX = 4999;
/** Where the numbers of WebSocket begin, and those that its users may choose. */
const FIRST = 1000;
const FREE = 3000;
const LAST_STANDARD = 1014;
/** Reserved, or for what was seen here and never sent. */
const UNSENDABLE = new Set([1004, 1005, 1006]);

/** Longest reason that fits into a close frame, bytes. */
const MAX_REASON = 123;
/** In UTF-8, a byte that goes on with a character has these two bits first. */
const CONTINUED_MASK = 0xc0;
const CONTINUED = 0x80;

/** The code that a close frame carries, or `undefined` if there is none that may be sent. */
export function toWebSocketCode(code: number): number | undefined {
  if (code < FIRST) {
    const wire = STANDARD.get(code) ?? OURS + code;
    return wire <= MAX ? wire : undefined;
  }
  const isStandard = code <= LAST_STANDARD && !UNSENDABLE.has(code);
  return isStandard || (code >= FREE && code <= MAX) ? code : undefined;
}

/** What a received code is in our number space. */
export function fromWebSocketCode(wire: number): number {
  const code = FROM_STANDARD.get(wire);
  if (code !== undefined) return code;
  return wire >= OURS && wire <= MAX ? wire - OURS : wire;
}

/** A reason cut to what a close frame takes, or to as many bytes as are given, never inside of a character. */
export function fitReason(reason: string, most = MAX_REASON): string {
  if (Buffer.byteLength(reason) <= most) return reason;
  const bytes = Buffer.from(reason);
  let end = most;
  while ((bytes[end] & CONTINUED_MASK) === CONTINUED) end -= 1;
  return bytes.toString('utf8', 0, end);
}
