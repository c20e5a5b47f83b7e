/**
 * How much goes at once: what listeners are given in one turn of the event loop, and how long small messages wait for
 * one another. Here are the values; `link/turn.ts` and `link/coalescing.ts` keep to them, on both backends.
 */
import type { CoalescingValues } from '../link/coalescing.js';
import { UNTIMED, type Pace, type TurnBounds } from '../link/turn.js';

export const BATCHING_MODES = ['off', 'guarded', 'aggressive'] as const;
export type BatchingMode = (typeof BATCHING_MODES)[number];

/** Bounds that are held exactly as given, and adapt to nothing. */
export interface ForcedBatching {
  /** Events in one turn of the event loop. Default: any number. */
  readonly maxEvents?: number | undefined;
  /** How long small messages wait for one another, ms. Default: the option `flushIntervalMs`. */
  readonly flushIntervalMs?: number | undefined;
}

export type Batching = BatchingMode | ForcedBatching;

/**
 * Time of a turn, ms. A turn of the loop costs some microseconds, a thousandth of this: more would gain nothing. Less
 * would gain little either, since listeners are never stopped in the middle, and the collector's pauses are as long.
 */
const TURN_MS = 2;

/** The clock is looked at about so often in a turn: so much too long it may become, as a part. */
const LOOKS_PER_TURN = 8;

/**
 * Most events between two looks. A turn that is looked at costs about a microsecond, which is a twelfth of echoing 16
 * messages and not to be measured for 64; up to twice as many run when listeners turn slow.
 */
const MAX_STRIDE = 64;

/**
 * Events until the next look at the clock. Slow listeners take effect at once; it grows by doubling only, since one
 * fast stride says little about the next.
 */
export function nextStride(last: number, { events, ms }: Pace): number {
  const share = TURN_MS / LOOKS_PER_TURN;
  const fitting = ms <= 0 ? MAX_STRIDE : Math.floor((events * share) / ms);
  return Math.max(1, Math.min(fitting, 2 * last, MAX_STRIDE));
}

const TIMED: TurnBounds = { ms: TURN_MS, events: Infinity, isExact: false, stride: nextStride };

/** Bounds of turns under the option `batching`. Every call gives another object. */
export function turnBounds(batching: Batching): TurnBounds {
  if (typeof batching === 'object')
    return { ...UNTIMED, events: batching.maxEvents ?? Infinity, isExact: true };
  return { ...(batching === 'off' ? UNTIMED : TIMED) };
}

/**
 * A write costs 2 µs on either side, and a stream has one for each tick: in 1 ms, the least that a timer waits, hundreds
 * of them become one. Less than two messages a millisecond are not worth it; eight in a row are no accident.
 */
const COALESCING: CoalescingValues = { intervalMs: 1, after: 8, soonMs: 0.5 };

/** When small messages wait for one another under the option `batching`; where they do so anyway there is none. */
export function coalescing(batching: Batching, flushIntervalMs: number): CoalescingValues | undefined {
  return batching === 'aggressive' && flushIntervalMs === 0 ? COALESCING : undefined;
}
