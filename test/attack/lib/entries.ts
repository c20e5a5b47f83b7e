/** What entries of several families have in common. */
import type { DialectName } from './dialects.js';
import type { ByBackend, Entry, Step } from './rows.js';
import { act, closedByUs, flood, opened, peakBelow, stubborn, type Bytes } from './steps.js';

export const MIB = 1024 * 1024;

/** The carriers that a message may go over. */
export const WAYS = [
  { name: 'length-prefixed', carrier: 'tcp', dialect: 'length-prefixed' },
  { name: 'qwh', carrier: 'tcp', dialect: 'qwh' },
  { name: 'WebSocket', carrier: 'ws', dialect: 'ws' },
] as const satisfies readonly { name: string; carrier: string; dialect: DialectName }[];

/** What is done on a connection that is open. */
export function entry(id: string, what: string, expect: Entry['expect'], ...steps: Step[]): Entry {
  return { id, what, expect, steps: [opened(), ...steps] };
}

/** Of a gigabyte that is thrown away so much may be there at a time, bytes. */
const DISCARDING = 16 * MIB;

/** We have said our last word, and the peer goes on sending as if it were none. */
export function behindOurEnd(
  id: string,
  what: string,
  bytes: Bytes,
  { count, error = 'ERR_QW_CLOSE_TIMEOUT' }: { count: number; error?: ByBackend<string> },
): Entry {
  const steps = [stubborn, act('resetPeak'), closedByUs, flood(bytes, { count })];
  return { ...entry(id, what, { code: 0, error }, ...steps), check: peakBelow(DISCARDING) };
}
