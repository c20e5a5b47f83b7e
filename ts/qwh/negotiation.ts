/**
 * What two HELLOs come to. A pure function, symmetric in its parts, that both ends compute by themselves: nobody
 * has to be believed.
 */
import { CloseCode } from '../close-codes.js';
import { mustBeKnown } from './extension.js';
import { Fault } from './fault.js';
import type { Hello } from './hello.js';
import { commonVersion } from './preamble.js';

/** What a connection has, for both ends alike. Limits are not part of it: each end obeys the other's. */
export interface Agreement {
  /** The newest version that both speak. */
  readonly version: number;
  /** Capabilities that both offer. */
  readonly caps: bigint;
  /** The codec of both. */
  readonly codec: string;
}

/** What both ends can do together; throws `version`, `caps` or `codec`, in this order, if that is too little. */
export function negotiate(one: Hello, other: Hello): Agreement {
  const version = commonVersion(one.versions, other.versions);
  if (version === undefined) throw new Fault(CloseCode.version, 'there is no version in common');
  const caps = one.offered & other.offered;
  if (((one.required | other.required) & ~caps) !== 0n)
    throw new Fault(CloseCode.caps, 'a required capability is missing');
  if (!knows(one, other) || !knows(other, one))
    throw new Fault(CloseCode.caps, 'a required extension is missing');
  if (one.codec !== other.codec) throw new Fault(CloseCode.codec, 'the codecs differ');
  return { version, caps, codec: one.codec };
}

/** Whether `one` has every extension that `other` says it must know. */
function knows(one: Hello, other: Hello): boolean {
  const names = new Set(one.extensions.map(({ name }) => name));
  return other.extensions.every((extension) => !mustBeKnown(extension) || names.has(extension.name));
}
