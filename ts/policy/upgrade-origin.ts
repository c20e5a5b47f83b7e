/**
 * Which pages may open a WebSocket. Browsers let any page call any server and send its cookies along; the
 * header Origin, which no page can forge, is all that tells the server.
 */
import { describe } from '../describe.js';
import { RateLimit } from './warnings.js';
import type { OpeningRequest } from './upgrade-request.js';

/** What the options say about origins. */
export interface OriginRules {
  /** `undefined`: the host of the request. */
  readonly origins: '*' | readonly string[] | undefined;
  readonly requireOrigin: boolean;
}

/** Whether the request may pass. */
export function isOriginAllowed({ origins, requireOrigin }: OriginRules, request: OpeningRequest): boolean {
  const { origin } = request;
  if (origin === undefined) return !requireOrigin;
  if (origins === '*') return true;
  return origins === undefined ? isSameHost(origin, request.headers.host) : origins.includes(origin);
}

/** The host is compared as the origin's scheme writes it: without its default port. */
function isSameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !/^https?:\/\/[^/?#@\\\s]+$/.test(origin) || /[/?#@\\\s]/.test(host))
    return false;
  const scheme = origin.slice(0, origin.indexOf(':'));
  try {
    return new URL(origin).host === new URL(`${scheme}://${host}`).host;
  } catch {
    return false;
  }
}

const limit = new RateLimit();

/** Says that a page was refused, and how it would not be; at a bounded rate. */
export function warnOriginRefused({ origin }: OpeningRequest): void {
  limit.run((more) => {
    const others = more === 0 ? '' : ` (and ${more} more like it)`;
    const advice =
      origin === undefined || origin === 'null'
        ? 'It cannot be allowed by name.'
        : `To allow it, set the option origins: [${describe(origin)}].`;
    process.emitWarning(
      `A WebSocket of the origin ${describe(origin)} was refused${others}. ${advice}`,
      'QWormholeWarning',
      'QW_ORIGIN_REFUSED',
    );
  });
}
