/** Rates as the links have them. */
import type { Rate, RateLimits } from '../link/rate.js';
import { invalidOption } from './check.js';
import { OPTION_TABLE as T } from './table.js';

interface RateInput {
  readonly bytesPerSecond?: number;
  readonly burstBytes?: number;
  readonly messagesPerSecond?: number;
  readonly burstMessages?: number;
  readonly hard?: boolean;
}

/** Decides every part of a rate; throws `ERR_QW_OPTION_INVALID` for one that bounds nothing. */
export function resolveRate(
  name: 'inboundRate' | 'outboundRate',
  given: RateInput | undefined,
): RateLimits | undefined {
  if (given === undefined) return undefined;
  const { bytesPerSecond, burstBytes, messagesPerSecond, burstMessages, hard } = given;
  if (bytesPerSecond === undefined && burstBytes !== undefined)
    throw invalidOption(`${name}.burstBytes`, burstBytes, 'needs bytesPerSecond');
  if (messagesPerSecond === undefined && burstMessages !== undefined)
    throw invalidOption(`${name}.burstMessages`, burstMessages, 'needs messagesPerSecond');
  if (bytesPerSecond === undefined && messagesPerSecond === undefined) throw invalidOption(name, given);
  return Object.freeze({
    bytes: rateOf(bytesPerSecond, burstBytes, T[`${name}.burstBytes`].max),
    messages: rateOf(messagesPerSecond, burstMessages, T[`${name}.burstMessages`].max),
    isHard: hard ?? T[`${name}.hard`].default,
  });
}

/** By default a second's worth may pass at once: that also makes up for a thread that was late by so much. */
function rateOf(perSecond: number | undefined, burst: number | undefined, max: number): Rate | undefined {
  if (perSecond === undefined) return undefined;
  return Object.freeze({ perSecond, burst: burst ?? Math.min(perSecond, max) });
}
