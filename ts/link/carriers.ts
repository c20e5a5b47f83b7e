/** What carriers have in common. */
import type { Carrier, DialSpec, ListenSpec } from './link.js';
import { isPath } from './place.js';

/** Messages are frames of WebSocket, with TLS below or without. */
export function isWebSocket(carrier: Carrier): carrier is 'ws' | 'wss' {
  return carrier === 'ws' || carrier === 'wss';
}

/** The bytes are protected by TLS. */
export function isSecure(carrier: Carrier): carrier is 'tls' | 'wss' {
  return carrier === 'tls' || carrier === 'wss';
}

/** What carries the messages of a listener or a call. */
export function carrierOf({ ws, tls, host }: Pick<ListenSpec | DialSpec, 'ws' | 'tls' | 'host'>): Carrier {
  if (ws !== undefined) return tls === undefined ? 'ws' : 'wss';
  if (isPath(host)) return host.startsWith('/') ? 'unix' : 'pipe';
  return tls === undefined ? 'tcp' : 'tls';
}
