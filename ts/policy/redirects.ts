/**
 * Redirects of opening handshakes: followed as often as the option says. Another origin than the one that the
 * options were meant for gets nothing that could be a secret: whoever answers chooses where the next call goes.
 */
import { authorityOf, parseEndpoint, type Endpoint } from '../endpoint.js';
import { QWormholeError } from '../errors/error.js';
import type { DialSpec, Link, LinkDriver, WebSocketDialSettings } from '../link/link.js';

const REDIRECTS: ReadonlySet<unknown> = new Set([301, 302, 303, 307, 308]);
/** Headers that go to another origin: keys and tokens have names of too many kinds for a list of those that do not. */
const HARMLESS = new Set(['user-agent', 'accept-language']);

/** Calls, and where the answer is to call elsewhere, calls there. The time for all of it is that of one call. */
export async function connectFollowing(
  driver: LinkDriver,
  spec: DialSpec,
  maxRedirects: number,
  signal: AbortSignal | undefined,
): Promise<Link> {
  const deadline = performance.now() + spec.connectTimeoutMs;
  let current = spec;
  for (let left = maxRedirects; ; left -= 1) {
    try {
      return await driver.connect(current, signal);
    } catch (error) {
      const next = left > 0 ? redirected(current, error) : undefined;
      const connectTimeoutMs = Math.floor(deadline - performance.now());
      if (next === undefined || connectTimeoutMs < 1 || signal?.aborted) throw error;
      current = { ...next, connectTimeoutMs };
    }
  }
}

/** The call that a refusal asks for instead; nothing where it asks for none that may be made. */
function redirected(spec: DialSpec, error: unknown): DialSpec | undefined {
  const { ws } = spec;
  if (ws === undefined || !(error instanceof QWormholeError) || error.code !== 'ERR_QW_UPGRADE_REFUSED')
    return undefined;
  const { status, headers } = error.details as { status?: unknown; headers?: { location?: string } };
  if (!REDIRECTS.has(status) || headers?.location === undefined) return undefined;
  const to = locate(headers.location, `ws://${authorityOf(spec.host, spec.port)}${ws.target}`);
  if (to === undefined) return undefined;
  const isSameOrigin = to.host === spec.host && to.port === spec.port;
  // Tokens travel as subprotocols too, and without them it would be another call than the one that was wished for.
  if (!isSameOrigin && ws.subprotocols.length > 0) return undefined;
  return { ...spec, host: to.host, port: to.port, ws: retargeted(ws, to, isSameOrigin) };
}

/** Only what is no less safe and in this version: a WebSocket, written as one or as HTTP. */
function locate(location: string, base: string): Endpoint | undefined {
  try {
    const url = new URL(location, base);
    if (url.protocol !== 'ws:' && url.protocol !== 'http:') return undefined;
    return parseEndpoint(`ws://${url.host}${url.pathname}${url.search}`, 'connect');
  } catch {
    return undefined;
  }
}

function retargeted(ws: WebSocketDialSettings, to: Endpoint, isSameOrigin: boolean): WebSocketDialSettings {
  const target = `${to.path}${to.query}`;
  if (isSameOrigin) return { ...ws, target };
  const headers = ws.headers.filter((_, at) => HARMLESS.has(ws.headers[at - (at % 2)].toLowerCase()));
  return { ...ws, target, authority: authorityOf(to.host, to.port), headers };
}
