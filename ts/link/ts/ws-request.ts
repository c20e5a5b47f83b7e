/** Whether an HTTP request is a sound opening handshake (RFC 6455, 4.2.1), however broken it comes. */
import type { IncomingMessage } from 'node:http';

/** A request that is answered at once. */
export interface Unsound {
  readonly status: number;
  readonly body: string;
  /** Header lines. */
  readonly headers?: readonly string[];
}

/** What `Sec-WebSocket-Key` holds: 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VERSION = '13';

/** The subprotocols that it offers, or what is wrong with it. */
export function checkOpening(request: IncomingMessage, maxHeaders: number): readonly string[] | Unsound {
  const { method, headers, rawHeaders, httpVersionMajor, httpVersionMinor } = request;
  if (rawHeaders.length / 2 > maxHeaders) return { status: 431, body: 'There are too many headers.' };
  if (headers.upgrade?.toLowerCase() !== 'websocket') return upgradeRequired();
  if (method !== 'GET') return { status: 405, body: 'A WebSocket begins with GET.', headers: ['Allow: GET'] };
  if (httpVersionMajor !== 1 || httpVersionMinor < 1) return bad('HTTP/1.1 is needed.');
  if (count(rawHeaders, 'host') !== 1) return bad('The header Host is needed, once.');
  if (headers['sec-websocket-version'] !== VERSION) return upgradeRequired();
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) return bad('The header Sec-WebSocket-Key is not legal.');
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0)
    return bad('An opening handshake has no body.');
  return (
    offeredBy(headers['sec-websocket-protocol']) ?? bad('The header Sec-WebSocket-Protocol is not legal.')
  );
}

/** The answer to what is no WebSocket of the version that is spoken here. */
export function upgradeRequired(): Unsound {
  const headers = ['Upgrade: websocket', `Sec-WebSocket-Version: ${VERSION}`];
  return { status: 426, body: 'This is a WebSocket server.', headers };
}

function bad(body: string): Unsound {
  return { status: 400, body };
}

function count(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((each, index) => index % 2 === 0 && each.toLowerCase() === name).length;
}

/** Names in a list, or nothing for a list that is none. In time linear in its length. */
function offeredBy(list: string | undefined): readonly string[] | undefined {
  if (list === undefined) return [];
  const names = list.split(',').map((name) => name.trim());
  const isLegal = names.every((name) => TOKEN.test(name)) && new Set(names).size === names.length;
  return isLegal ? names : undefined;
}
