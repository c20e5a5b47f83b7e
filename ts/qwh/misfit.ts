/** What two HELLOs lack in common, in words and as values: both ends know both, so each can name it. */
import { CAPS, FIRST_CAP_OF_APPLICATION } from './caps.js';
import { mustBeKnown } from './extension.js';
import type { Hello } from './hello.js';
import { commonVersion, type Versions } from './preamble.js';

/** Of our HELLO and the peer's. */
export interface Misfit {
  /** For people. */
  readonly why: string;
  /** The values that it names. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** The first that `negotiate` finds; nothing where they fit. */
export function misfitOf(ours: Hello, theirs: Hello): Misfit | undefined {
  if (commonVersion(ours.versions, theirs.versions) === undefined) return ofVersions(ours, theirs);
  const missing = (ours.required | theirs.required) & ~(ours.offered & theirs.offered);
  if (missing !== 0n) return ofCaps(ours, theirs, missing);
  const names = [...unknown(ours, theirs), ...unknown(theirs, ours)];
  if (names.length > 0) {
    const why = `required extensions are missing: ${names.join(', ')}`;
    return { why, details: { missingExtensions: names } };
  }
  if (ours.codec === theirs.codec) return undefined;
  const why = `the codecs differ: ${ours.codec} here, ${theirs.codec} there`;
  return { why, details: { codec: ours.codec, peerCodec: theirs.codec } };
}

function ofVersions({ versions: ours }: Hello, { versions: theirs }: Hello): Misfit {
  const why = `there is no version in common: ${rangeOf(ours)} here, ${rangeOf(theirs)} there`;
  return { why, details: { versions: ours, peerVersions: theirs } };
}

function rangeOf({ min, max }: Versions): string {
  return min === max ? `${min}` : `${min} to ${max}`;
}

function ofCaps(ours: Hello, theirs: Hello, missing: bigint): Misfit {
  const here = missing & ~ours.offered;
  const there = missing & ~theirs.offered;
  const lacks = [
    here === 0n ? [] : [`${namesOf(here)} here`],
    there === 0n ? [] : [`${namesOf(there)} there`],
  ];
  const why = `required capabilities are missing: ${lacks.flat().join(', ')}`;
  return { why, details: { lackingHere: hexOf(here), lackingThere: hexOf(there) } };
}

/** As docs/capabilities.md writes them; JSON has no `bigint`. */
function hexOf(bits: bigint): string {
  return `0x${bits.toString(16).padStart(16, '0')}`;
}

/** Bits by their names: those of the application by their numbers. */
function namesOf(bits: bigint): string {
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit += 1) if (((bits >> BigInt(bit)) & 1n) === 1n) names.push(nameOf(bit));
  return names.join(', ');
}

function nameOf(bit: number): string {
  const known = Object.entries(CAPS).find(([, value]) => value === 1n << BigInt(bit));
  if (known !== undefined) return `${known[0]} (bit ${bit})`;
  return bit < FIRST_CAP_OF_APPLICATION ? `reserved bit ${bit}` : `bit ${bit} of the application`;
}

/** Names that `other` says must be known, and `one` does not have. */
function unknown(one: Hello, other: Hello): string[] {
  const names = new Set(one.extensions.map(({ name }) => name));
  return other.extensions
    .filter((each) => mustBeKnown(each) && !names.has(each.name))
    .map(({ name }) => name);
}
