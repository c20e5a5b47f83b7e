/** The watch over peers as the links have it. */
import type { Heartbeat } from '../link/liveness.js';
import { invalidOption } from './check.js';
import { OPTION_TABLE as T } from './table.js';

/** Questions that fit into the time after which a peer is held to be dead, where only one of both is given. */
const INTERVALS_IN_TIMEOUT = 3;

/** Decides both times; throws `ERR_QW_OPTION_INVALID` where the first is not less than the second. */
export function resolveHeartbeat(given: false | Partial<Heartbeat> | undefined): Heartbeat | undefined {
  if (given === false) return undefined;
  const [interval, timeout] = [T['heartbeat.intervalMs'], T['heartbeat.timeoutMs']];
  const timeoutMs =
    given?.timeoutMs ??
    Math.min(Math.max(timeout.default, INTERVALS_IN_TIMEOUT * (given?.intervalMs ?? 0)), timeout.max);
  const intervalMs = given?.intervalMs ?? Math.min(interval.default, Math.floor(timeoutMs / 2));
  if (timeoutMs <= intervalMs)
    throw invalidOption(
      'heartbeat.timeoutMs',
      timeoutMs,
      `must be more than heartbeat.intervalMs, ${intervalMs} (ms)`,
    );
  return Object.freeze({ intervalMs, timeoutMs });
}
