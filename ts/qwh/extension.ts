/** Parts of a HELLO that the protocol does not know: named, so that two programs can agree on them. */
import { concat, fromUtf8, utf8 } from './bytes.js';
import { protocolFault } from './fault.js';

/**
 * The first type of an extension. An even one must be understood: the peer has to have one of the same name, or
 * the handshake fails.
 */
export const FIRST_EXTENSION = 129;

/** A reverse domain name. */
const NAME = /^[A-Za-z0-9._-]+$/;

/** A named part of a HELLO. */
export interface Extension {
  /** From 129 to 255; even if the peer must know the name. */
  readonly type: number;
  /** A reverse domain name: letters, digits, `.`, `-` and `_`, 1 to 255 bytes. */
  readonly name: string;
  /** Any bytes. */
  readonly value: Uint8Array;
}

export function encodeExtension({ name, value }: Extension): Uint8Array {
  const bytes = utf8(name);
  return concat([Math.min(bytes.length, 0xff)], bytes, value);
}

export function parseExtension(type: number, bytes: Uint8Array): Extension {
  const end = 1 + (bytes[0] ?? 0);
  const name = end > bytes.length ? undefined : fromUtf8(bytes.subarray(1, end));
  if (name === undefined || !NAME.test(name)) throw protocolFault('an extension has no name');
  return { type, name, value: bytes.slice(end) };
}

export function mustBeKnown({ type }: Extension): boolean {
  return type % 2 === 0;
}
