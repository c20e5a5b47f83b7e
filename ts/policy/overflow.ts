/** What becomes of messages that a connection has no room for, in the words of users. */
import { describe } from '../describe.js';
import { QWormholeError } from '../errors/error.js';

/**
 * What happens when a peer takes less than is sent to it. All of them bound the queue by `maxQueued`.
 * - `drop-newest`: what has no room is not accepted.
 * - `drop-oldest`: above the high watermark the oldest that waits makes room.
 * - `conflate`: above the high watermark a message replaces the one with the same key that waits, in its place.
 * - `block`: as `drop-newest`, and who waits for `drained()` after each `backpressure` never sees `dropped` for want
 *   of room. Of messages for many connections it is `drop-newest`.
 * - `close`: the connection is closed as soon as something has no room.
 */
export type Overflow = 'drop-newest' | 'drop-oldest' | 'conflate' | 'block' | 'close';

const OVERFLOWS: readonly unknown[] = ['drop-newest', 'drop-oldest', 'conflate', 'block', 'close'];

/** Longest key, UTF-16 units: enough for every name, and little beside the message that it is of. */
const MAX_KEY = 256;

/** Throws `ERR_QW_OPTION_INVALID` for a policy that does not exist. */
export function checkOverflow(value: unknown): asserts value is Overflow {
  if (OVERFLOWS.includes(value)) return;
  const message = `Option overflow must be one of ${OVERFLOWS.join(', ')}; it is ${describe(value)}`;
  throw new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'overflow' } });
}

/** Throws `ERR_QW_OPTION_INVALID` for what cannot be a key. */
export function checkKey(key: unknown): asserts key is string | undefined {
  if (key === undefined || (typeof key === 'string' && key !== '' && key.length <= MAX_KEY)) return;
  const message = `The key of a message is a string of 1 to ${MAX_KEY} characters, not ${describe(key)}`;
  throw new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'key' } });
}

/** Whether messages wait above the seam under this policy, where they can still be dropped. */
export function keepsBacklog(overflow: Overflow): boolean {
  return overflow === 'drop-oldest' || overflow === 'conflate';
}

/** How a message for many connections goes to each of them. */
export interface SharedManner {
  /** `undefined`: that of the connection. */
  readonly overflow: Overflow | undefined;
  readonly key: string | undefined;
}
