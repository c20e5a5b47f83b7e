/** A request to open a WebSocket as it crosses. */
import { headerOf } from '../headers.js';
import type { UpgradeRequest } from '../link.js';
import { apart } from '../apart.js';
import { addresses } from './addresses.js';
import { shared, type SharedText } from './shared-text.js';

/** Lines about the peer, and those behind them and in front of the headers. */
const PEER_LINES = 2;
const HEAD_LINES = 2;

/** The header that differs where nothing else does. */
const KEY = 'sec-websocket-key';

/** Who says one of these says what is its own. */
const OWN = ['authorization', 'cookie', 'proxy-authorization'];

/**
 * Of lines: the peer's address and port, the target, the subprotocols, and headers' names and values in turn. Taken
 * apart whenever it is asked: a connection keeps its request, and many are never asked. What clients of one kind say
 * alike is kept once for all of them, unless it has what only one of them should know.
 */
export class RequestText implements UpgradeRequest {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** All but the peer and its key. */
  readonly #rest: SharedText;
  readonly #key: string;

  constructor(text: string) {
    const [address, port] = text.split('\n', PEER_LINES);
    this.remoteAddress = addresses.of(address);
    this.remotePort = Number(port);
    const key = valueOf(text, KEY, startOf(text, PEER_LINES + HEAD_LINES)) ?? text.length;
    const end = endOfLine(text, key);
    this.#key = apart(text.slice(key, end));
    const rest = text.slice(startOf(text, PEER_LINES), key) + text.slice(end);
    const headers = startOf(rest, HEAD_LINES);
    const isOwn = OWN.some((name) => valueOf(rest, name, headers) !== undefined);
    this.#rest = isOwn ? { text: apart(rest) } : shared(rest);
  }

  get target(): string {
    return line(this.#rest.text, 0);
  }

  get subprotocols(): readonly string[] {
    const subprotocols = line(this.#rest.text, 1);
    return subprotocols === '' ? [] : subprotocols.split(',');
  }

  get rawHeaders(): readonly string[] {
    const { text } = this.#rest;
    const headers = startOf(text, HEAD_LINES);
    const key = valueOf(text, KEY, headers) ?? text.length;
    return (text.slice(headers, key) + this.#key + text.slice(key)).split('\n');
  }

  header(name: string): string | undefined {
    const { text } = this.#rest;
    const value = valueOf(text, name, startOf(text, HEAD_LINES));
    if (value === undefined) return undefined;
    const end = endOfLine(text, value);
    // What comes twice is joined by rules of its own.
    if (valueOf(text, name, end + 1) !== undefined) return headerOf(this.rawHeaders, name);
    return name === KEY ? this.#key : text.slice(value, end);
  }
}

// Not methods: private ones would cost each request a word.

function line(text: string, index: number): string {
  const start = startOf(text, index);
  return text.slice(start, endOfLine(text, start));
}

function startOf(text: string, index: number): number {
  let start = 0;
  for (let passed = 0; passed < index; passed += 1) start = endOfLine(text, start) + 1;
  return start;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

/** Where the value of a header is, sought from the start of a header's name on; that name is in lower case. */
function valueOf(text: string, name: string, from: number): number | undefined {
  for (let at = from; at < text.length;) {
    const nameEnd = endOfLine(text, at);
    const isIt = nameEnd - at === name.length && text.slice(at, nameEnd).toLowerCase() === name;
    if (isIt) return nameEnd + 1;
    at = endOfLine(text, nameEnd + 1) + 1;
  }
  return undefined;
}
