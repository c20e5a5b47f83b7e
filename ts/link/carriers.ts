/** What carriers have in common. */
import type { Carrier } from './link.js';

/** Messages are frames of WebSocket, with TLS below or without. */
export function isWebSocket(carrier: Carrier): carrier is 'ws' | 'wss' {
  return carrier === 'ws' || carrier === 'wss';
}

/** The bytes are protected by TLS. */
export function isSecure(carrier: Carrier): carrier is 'tls' | 'wss' {
  return carrier === 'tls' || carrier === 'wss';
}
