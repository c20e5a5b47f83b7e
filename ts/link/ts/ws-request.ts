/** Whether an HTTP request is a sound opening handshake (RFC 6455, 4.2.1), however broken it comes. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { splitTarget } from '../../endpoint-target.js';
import { headerOf } from '../headers.js';
import type { UpgradeRequest } from '../link.js';
import { parseExtensions } from './ws-extensions.js';

/** A request that is answered at once. */
export interface Unsound {
  readonly status: number;
  readonly body: string;
  /** Header lines. */
  readonly headers?: readonly string[];
}

/** A sound one, as it was sent. */
export class SentRequest implements UpgradeRequest {
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly subprotocols: readonly string[];
  readonly remoteAddress: string;
  readonly remotePort: number;

  constructor({ url = '/', rawHeaders }: IncomingMessage, socket: Socket, subprotocols: readonly string[]) {
    this.target = url;
    this.rawHeaders = rawHeaders;
    this.subprotocols = subprotocols;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
  }

  header(name: string): string | undefined {
    return headerOf(this.rawHeaders, name);
  }
}

/** What `Sec-WebSocket-Key` holds: 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VERSION = '13';
/** Longest request target, bytes, as on the native backend. */
const MAX_TARGET = 8 * 1024;
/** Path and query: what has a blank or a control character ends before. */
const PATH = /^[/?][\u0021-\u007f]*$/;

/** The subprotocols that it offers, or what is wrong with it. */
export function checkOpening(request: IncomingMessage, maxHeaders: number): readonly string[] | Unsound {
  const { headers, rawHeaders } = request;
  if (rawHeaders.length / 2 > maxHeaders) return { status: 431, body: 'There are too many headers.' };
  if (!isInList(headers.upgrade, 'websocket')) return upgradeRequired();
  return checkRequest(request) ?? checkVersion(request) ?? checkLists(request);
}

/** As a request of HTTP. */
function checkRequest(request: IncomingMessage): Unsound | undefined {
  const { method, headers, rawHeaders, url = '', httpVersionMajor, httpVersionMinor } = request;
  if (method !== 'GET') return { status: 405, body: 'A WebSocket begins with GET.', headers: ['Allow: GET'] };
  if (httpVersionMajor !== 1 || httpVersionMinor < 1) return bad('HTTP/1.1 is needed.');
  if (url.length > MAX_TARGET) return { status: 414, body: 'The target is too long.' };
  if (!isPath(url)) return bad('The target is no path.');
  if (count(rawHeaders, 'host') !== 1 || headers.host === '') return bad('The header Host is needed, once.');
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0)
    return bad('An opening handshake has no body.');
  return undefined;
}

function checkVersion({ headers, rawHeaders }: IncomingMessage): Unsound | undefined {
  if (count(rawHeaders, 'sec-websocket-version') > 1) return bad('There is more than one version.');
  if (headers['sec-websocket-version'] !== VERSION) return upgradeRequired();
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) return bad('The header Sec-WebSocket-Key is not legal.');
  return undefined;
}

function checkLists({ headers }: IncomingMessage): readonly string[] | Unsound {
  const extensions = headers['sec-websocket-extensions'];
  if (extensions !== undefined && parseExtensions(extensions) === undefined)
    return bad('The header Sec-WebSocket-Extensions is not legal.');
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

/** As sent to a server, or to a proxy with the origin in front (RFC 9112, section 3.2). */
function isPath(target: string): boolean {
  const { path, query } = splitTarget(target);
  return PATH.test(path + query);
}

function isInList(list: string | undefined, name: string): boolean {
  return list !== undefined && list.split(',').some((each) => each.trim().toLowerCase() === name);
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
