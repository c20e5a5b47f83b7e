/** GOAWAY: the last frame of an endpoint, and why. */
import { concat, fromUtf8, u16, u16At, u32, u32At, utf8 } from './bytes.js';
import { protocolFault } from './fault.js';
import { MAX_REASON } from './limits.js';

/** Bytes before the reason. */
const FIXED = 10;
/** In UTF-8, a byte that goes on with a character has these two bits first. */
const CONTINUED_MASK = 0xc0;
const CONTINUED = 0x80;

/** What an endpoint ends with. */
export interface GoAway {
  /** Why, of the one number space. */
  readonly code: number;
  /** The last stream of the peer that it took; 0 where there are none. */
  readonly lastStream: number;
  /** When the peer should come back, milliseconds; 0 is no advice. */
  readonly retryAfterMs: number;
  /** For people; often empty. */
  readonly reason: string;
}

/** Whether a body may have this length. */
export function isGoAwayLength(length: number): boolean {
  return length >= FIXED && length <= FIXED + MAX_REASON;
}

/** The body, its reason cut to 256 bytes, between characters. */
export function encodeGoAway({ code, lastStream, retryAfterMs, reason }: GoAway): Uint8Array {
  const bytes = utf8(reason);
  let end = Math.min(bytes.length, MAX_REASON);
  while (end < bytes.length && (bytes[end] & CONTINUED_MASK) === CONTINUED) end -= 1;
  return concat(u16(code), u32(lastStream), u32(retryAfterMs), bytes.subarray(0, end));
}

/** Reads a body. */
export function parseGoAway(body: Uint8Array): GoAway {
  const reason = isGoAwayLength(body.length) ? fromUtf8(body.subarray(FIXED)) : undefined;
  if (reason === undefined) throw protocolFault('a GOAWAY is malformed');
  return { code: u16At(body, 0), lastStream: u32At(body, 2), retryAfterMs: u32At(body, 6), reason };
}
