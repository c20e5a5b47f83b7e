/**
 * Which pages may open a WebSocket. Browsers let any page call any server and send its cookies along; the
 * header Origin, which no page can forge, is all that tells the server.
 */
import { isIP } from 'node:net';
import { describe } from '../describe.js';
import { isLoopback } from '../endpoint.js';
import { RateLimit } from './warnings.js';
import type { OpeningRequest } from './upgrade-request.js';

/** What the options say about origins. */
export interface OriginRules {
  /** `undefined`: the host of the request. */
  readonly origins: '*' | readonly string[] | undefined;
  readonly requireOrigin: boolean;
}

/** Whether the request may pass. @param isLocal It came to a listener that only this machine can reach. */
export function isOriginAllowed(
  { origins, requireOrigin }: OriginRules,
  request: OpeningRequest,
  isLocal: boolean,
): boolean {
  const { origin } = request;
  if (origin === undefined) return !requireOrigin;
  if (origins === '*') return true;
  if (origins !== undefined) return origins.includes(origin);
  const { host } = request.headers;
  return isSameHost(origin, host) && !(isLocal && isRebindable(host));
}

/**
 * Whether a name server has a say in where the host is: any page can have its own name lead to this machine, and
 * would be of the same host then (DNS rebinding). Of `localhost` and below it has none (RFC 6761, section 6.3).
 */
function isRebindable(host = ''): boolean {
  const { hostname } = new URL(`http://${host}`);
  return isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && !isLoopback(hostname);
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
