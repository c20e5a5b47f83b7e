/** What a network can do to the bytes that go one way. */
import { z } from 'zod';
import { QWormholeError } from '../errors/error.js';

/** From the client to the server, or back. */
export type Way = 'up' | 'down';

/** All that is not given is as on a good network. */
export interface Faults {
  /** Every byte is that much late. */
  readonly latencyMs?: number;
  /** Up to so much more, drawn for each piece; order is kept, as on any stream. */
  readonly jitterMs?: number;
  /** Bandwidth. */
  readonly bytesPerSecond?: number;
  /** Bytes arrive in pieces of 1 to so many bytes. */
  readonly split?: number;
  /** The probability with which a byte is changed, 0 to 1. */
  readonly corrupt?: number;
  /**
   * Takes what comes and forgets it, ends and resets included: neither side hears of anything. A connection that has
   * lost something stays silent that way for good, since no stream has holes.
   */
  readonly drop?: boolean;
  /** Takes nothing: what comes waits where it is sent, and goes on when this ends. */
  readonly stall?: boolean;
  /** After so many bytes of a connection the receiver is told that the sender has ended; the other way goes on. */
  readonly endAfterBytes?: number;
  /** After so many bytes of a connection both sides are reset. */
  readonly resetAfterBytes?: number;
}

const ms = z.number().min(0).max(3_600_000);
const bytes = z.int().min(0);

const FAULTS = z.strictObject({
  latencyMs: ms.optional(),
  jitterMs: ms.optional(),
  bytesPerSecond: z.number().positive().optional(),
  split: z.int().min(1).optional(),
  corrupt: z.number().min(0).max(1).optional(),
  drop: z.boolean().optional(),
  stall: z.boolean().optional(),
  endAfterBytes: bytes.optional(),
  resetAfterBytes: bytes.optional(),
});

/** A copy, checked. Throws `ERR_QW_OPTION_INVALID`. */
export function checkFaults(faults: Faults): Faults {
  const { data, error } = FAULTS.safeParse(faults);
  if (data !== undefined) return data;
  const [{ path, message }] = error.issues;
  const option = path.join('.') || 'faults';
  throw new QWormholeError('ERR_QW_OPTION_INVALID', `Option ${option} is no fault of a network: ${message}`, {
    details: { option },
  });
}
