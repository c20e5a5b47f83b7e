/** The options of WebSocket: their defaults, and what they are in the words of the seam. */
import { authorityOf, defaultPort, type Scheme } from '../endpoint.js';
import type {
  DeflateSettings,
  WebSocketDialSettings,
  WebSocketListenSettings,
  WebSocketSettings,
} from '../link/link.js';
import type { CheckedClientOptions, CheckedServerOptions } from './schema.js';
import type { ClientSettings, ServerSettings, SettledEndpoint, SharedSettings } from './settings.js';
import { OPTION_TABLE as T } from './table.js';

const NONE: readonly string[] = Object.freeze([]);

/** Of servers and clients. */
export function resolveWebSocket(given: CheckedServerOptions | CheckedClientOptions) {
  return {
    deflate: resolveDeflate(given.deflate),
    maxHeaderBytes: given.maxHeaderBytes ?? T.maxHeaderBytes.default,
    maxHeaders: given.maxHeaders ?? T.maxHeaders.default,
    maxFragments: given.maxFragments ?? T.maxFragments.default,
    controlBurst: given.controlBurst ?? T.controlBurst.default,
    controlPerSecond: given.controlPerSecond ?? T.controlPerSecond.default,
  };
}

/** Of servers. */
export function resolveServerWebSocket(given: CheckedServerOptions) {
  return {
    subprotocols: given.subprotocols ?? NONE,
    origins: given.origins,
    requireOrigin: given.requireOrigin ?? T.requireOrigin.default,
    authorize: given.authorize,
    maxTopics: given.maxTopics ?? T.maxTopics.default,
  };
}

/** Of clients. */
export function resolveClientWebSocket(given: CheckedClientOptions) {
  return {
    subprotocols: given.subprotocols ?? NONE,
    headers: inTurn(given.headers ?? {}),
    maxRedirects: given.maxRedirects ?? T.maxRedirects.default,
    agent: given.agent,
  };
}

function resolveDeflate(given: CheckedServerOptions['deflate']): DeflateSettings | false {
  if (given === undefined || given === false) return false;
  const wishes = given === true ? {} : given;
  return Object.freeze({
    threshold: wishes.threshold ?? T['deflate.threshold'].default,
    level: wishes.level ?? T['deflate.level'].default,
    serverNoContextTakeover: wishes.serverNoContextTakeover ?? T['deflate.serverNoContextTakeover'].default,
    clientNoContextTakeover: wishes.clientNoContextTakeover ?? T['deflate.clientNoContextTakeover'].default,
    serverMaxWindowBits: wishes.serverMaxWindowBits ?? T['deflate.serverMaxWindowBits'].default,
    clientMaxWindowBits: wishes.clientMaxWindowBits ?? T['deflate.clientMaxWindowBits'].default,
  });
}

/** Names and values in turn; a list is the same header several times. */
export function inTurn(headers: Readonly<Record<string, string | readonly string[]>>): readonly string[] {
  return Object.freeze(
    Object.entries(headers).flatMap(([name, value]) =>
      (typeof value === 'string' ? [value] : value).flatMap((each) => [name, each]),
    ),
  );
}

/** For a listener. */
export function toListenWebSocket(settings: ServerSettings): WebSocketListenSettings {
  const { handshakeTimeoutMs, maxPendingHandshakes } = settings;
  return Object.freeze({ ...boundsOf(settings, handshakeTimeoutMs), maxPendingHandshakes });
}

/** The value of Host: without the port where that is the scheme's own. */
export function hostHeader(scheme: Scheme, host: string, port: number): string {
  const authority = authorityOf(host, port);
  return port === defaultPort(scheme) ? authority.slice(0, -`:${port}`.length) : authority;
}

/** For a call. */
export function toDialWebSocket(settings: ClientSettings, endpoint: SettledEndpoint): WebSocketDialSettings {
  const { headers, subprotocols, agent, connectTimeoutMs } = settings;
  const { scheme, host, port, path = '/', query = '' } = endpoint;
  return {
    ...boundsOf(settings, connectTimeoutMs),
    target: `${path}${query}`,
    authority: hostHeader(scheme, host, port),
    headers,
    subprotocols,
    agent,
  };
}

function boundsOf(settings: SharedSettings, handshakeTimeoutMs: number): WebSocketSettings {
  const { deflate, maxHeaderBytes, maxHeaders, maxFragments, controlBurst, controlPerSecond } = settings;
  return {
    deflate,
    handshakeTimeoutMs,
    maxHeaderBytes,
    maxHeaders,
    maxFragments,
    controlBurst,
    controlPerSecond,
  };
}
