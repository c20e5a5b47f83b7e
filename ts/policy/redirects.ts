/**
 * Redirects of opening handshakes: followed as often as the option says. Another origin than the one that the
 * options were meant for gets nothing that could be a secret: whoever answers chooses where the next call goes.
 */
import { authorityOf, parseEndpoint, type Endpoint } from '../endpoint.js';
import { QWormholeError } from '../errors/error.js';
import type { DialSpec, Link, WebSocketDialSettings } from '../link/link.js';
import type { TlsDialSettings } from '../link/tls.js';
import { hostHeader } from '../options/websocket.js';

const REDIRECTS: ReadonlySet<unknown> = new Set([301, 302, 303, 307, 308]);
/** Headers that go to another origin: keys and tokens have names of too many kinds for a list of those that do not. */
const HARMLESS = new Set(['user-agent', 'accept-language']);

const WEBSOCKET_SCHEMES: Readonly<Record<string, 'ws' | 'wss'>> = {
  'ws:': 'ws',
  'http:': 'ws',
  'wss:': 'wss',
  'https:': 'wss',
};

/** How redirects are followed. */
export interface Following {
  readonly maxRedirects: number;
  /** TLS for a host; `undefined` where there is none. */
  tlsFor(host: string): TlsDialSettings | undefined;
}

/**
 * Calls, and where the answer is to call elsewhere, calls there. The time for all of it is that of one call.
 * @param call Makes one call.
 */
export async function connectFollowing(
  call: (spec: DialSpec) => Promise<Link>,
  spec: DialSpec,
  { maxRedirects, tlsFor }: Following,
  signal: AbortSignal | undefined,
): Promise<Link> {
  const deadline = performance.now() + spec.connectTimeoutMs;
  let current = spec;
  for (let left = maxRedirects; ; left -= 1) {
    try {
      return await call(current);
    } catch (error) {
      const next = left > 0 ? redirected(current, error, tlsFor) : undefined;
      const connectTimeoutMs = Math.floor(deadline - performance.now());
      if (next === undefined || connectTimeoutMs < 1 || signal?.aborted) throw error;
      current = { ...next, connectTimeoutMs };
    }
  }
}

/** The call that a refusal asks for instead; nothing where it asks for none that may be made. */
function redirected(spec: DialSpec, error: unknown, tlsFor: Following['tlsFor']): DialSpec | undefined {
  const { ws } = spec;
  if (ws === undefined || !(error instanceof QWormholeError) || error.code !== 'ERR_QW_UPGRADE_REFUSED')
    return undefined;
  const { status, headers } = error.details as { status?: unknown; headers?: { location?: string } };
  if (!REDIRECTS.has(status) || headers?.location === undefined) return undefined;
  const scheme = spec.tls === undefined ? 'ws' : 'wss';
  const to = locate(headers.location, `${scheme}://${authorityOf(spec.host, spec.port)}${ws.target}`);
  if (to === undefined) return undefined;
  const { host, port } = to;
  const isSameOrigin = host === spec.host && port === spec.port && to.scheme === scheme;
  // Tokens travel as subprotocols too, and without them it would be another call than the one that was wished for.
  if (!isSameOrigin && ws.subprotocols.length > 0) return undefined;
  const tls = to.scheme === 'wss' ? tlsFor(host) : undefined;
  // Never from TLS to none, and not to TLS where nobody said whom to trust.
  if ((to.scheme === 'wss' || scheme === 'wss') && tls === undefined) return undefined;
  return { ...spec, host, port, tls, ws: retargeted(ws, to, isSameOrigin) };
}

/** A WebSocket, written as one or as HTTP. */
function locate(location: string, base: string): Endpoint | undefined {
  try {
    const url = new URL(location, base);
    const scheme = WEBSOCKET_SCHEMES[url.protocol];
    if (scheme === undefined) return undefined;
    return parseEndpoint(`${scheme}://${url.host}${url.pathname}${url.search}`, 'connect');
  } catch {
    return undefined;
  }
}

function retargeted(ws: WebSocketDialSettings, to: Endpoint, isSameOrigin: boolean): WebSocketDialSettings {
  const target = `${to.path}${to.query}`;
  if (isSameOrigin) return { ...ws, target };
  const headers = ws.headers.filter((_, at) => HARMLESS.has(ws.headers[at - (at % 2)].toLowerCase()));
  return { ...ws, target, authority: hostHeader(to.scheme, to.host, to.port), headers };
}
