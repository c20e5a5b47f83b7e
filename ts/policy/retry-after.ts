/** When a peer that refused a call wants the next one. */
import type { QWormholeError } from '../errors/error.js';

/**
 * In ms from now, `undefined` without advice: as its handshake said it, or as the header Retry-After of its HTTP
 * answer does (RFC 9110, section 10.2.3), in seconds or as a date.
 */
export function retryAfterOf({ details }: QWormholeError, now = Date.now()): number | undefined {
  const { retryAfterMs, headers } = (details ?? {}) as {
    readonly retryAfterMs?: unknown;
    readonly headers?: Readonly<Record<string, unknown>>;
  };
  if (typeof retryAfterMs === 'number') return retryAfterMs;
  const header = headers?.['retry-after'];
  if (typeof header !== 'string') return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = header.endsWith(' GMT') ? Date.parse(header) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}
