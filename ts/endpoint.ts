/**
 * Endpoints: what users write, checked and taken apart. The grammar is strict, since an address that
 * is understood differently from what was meant binds or calls the wrong place.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import {
  isLocalScheme,
  lackOf,
  pathOfObject,
  pathOfUrl,
  urlOfPath,
  type LocalScheme,
} from './endpoint-path.js';
import { targetOf, type Target } from './endpoint-target.js';
import { QWormholeError } from './errors/error.js';
import { isSecure, isWebSocket } from './link/carriers.js';
import type { Carrier, Protocol } from './link/link.js';
import { isPath } from './link/place.js';

/** A carrier as the beginning of a URL. */
export type Scheme = Carrier;

/** What both kinds of endpoint objects have. */
interface EndpointBase {
  /** A name or an address, IPv6 with or without brackets. Default: `127.0.0.1`. */
  readonly host?: string;
  /** The wire protocol of this endpoint. Default: the option `protocol`; WebSocket has messages of its own. */
  readonly protocol?: Protocol;
}

/** A TCP endpoint as an object, with TLS or without. */
export interface TcpEndpointObject extends EndpointBase {
  readonly scheme: 'tcp' | 'tls';
  /** 1 to 65535; 0 asks for a free port and is for listening only. */
  readonly port: number;
}

/** A WebSocket endpoint as an object, with TLS or without. */
export interface WebSocketEndpointObject extends EndpointBase {
  readonly scheme: 'ws' | 'wss';
  /** As for TCP. Default: 80, with TLS 443. */
  readonly port?: number;
  /** Begins with a slash; for connecting it may have a query. Default: `/`. */
  readonly path?: string;
}

/** A Unix socket, or on Windows a named pipe, as an object. */
export interface LocalEndpointObject {
  readonly scheme: LocalScheme;
  /** The path of the socket, from the root; of a pipe its name. */
  readonly path: string;
  /** The wire protocol of this endpoint. Default: the option `protocol`. */
  readonly protocol?: Protocol;
}

/** An endpoint as an object; the form that can say the wire protocol too. */
export type EndpointObject = TcpEndpointObject | WebSocketEndpointObject | LocalEndpointObject;

/**
 * What users may give: `tcp://host:port` or `ws://host:port/path`, `tls` and `wss` alike, `unix:///path.sock`,
 * `pipe://name`, or the object form.
 */
export type EndpointInput = string | URL | EndpointObject;

/** A checked endpoint. */
export interface Endpoint extends Partial<Target> {
  readonly scheme: Scheme;
  /** Without brackets, names in lower case; of a Unix socket or a pipe its path. */
  readonly host: string;
  readonly port: number;
  readonly protocol?: Protocol;
}

/** What an address is written from. */
export interface Address {
  readonly scheme?: Scheme;
  readonly host: string;
  readonly port: number;
  readonly path?: string;
}

/** What an endpoint is for: port 0 makes sense for a listener only. */
export type EndpointUse = 'listen' | 'connect';

/** The wire protocols that this version has. */
export const PROTOCOLS: readonly Protocol[] = ['raw', 'length-prefixed', 'qwh'];

const LOOPBACK = '127.0.0.1';
const MAX_PORT = 65_535;
const SCHEMES: ReadonlySet<unknown> = new Set<Scheme>(['tcp', 'tls', 'ws', 'wss', 'unix', 'pipe']);
const OBJECT_KEYS: Readonly<Record<Scheme, ReadonlySet<string>>> = {
  tcp: new Set(['scheme', 'host', 'port', 'protocol']),
  tls: new Set(['scheme', 'host', 'port', 'protocol']),
  ws: new Set(['scheme', 'host', 'port', 'path', 'protocol']),
  wss: new Set(['scheme', 'host', 'port', 'path', 'protocol']),
  unix: new Set(['scheme', 'path', 'protocol']),
  pipe: new Set(['scheme', 'path', 'protocol']),
};
/** The port of a WebSocket URL that names none. */
const WS_PORT = 80;
const WSS_PORT = 443;
/** Letters, digits, hyphens, and the underscores of container names; no empty label; at most one final dot. */
const NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/;
/** The last label of what resolvers read as a number, as in `127.1` or `0x7f.1`: only full IPv4 addresses are taken. */
const NUMERIC_END = /(^|\.)(\d+|0x[0-9a-f]*)\.?$/;
const MAX_NAME_LENGTH = 253;
/** Long enough for every legal endpoint, short enough for a log line. */
const MAX_SHOWN = 300;

/** Checks an endpoint and takes it apart. Throws `ERR_QW_ENDPOINT_INVALID` or `ERR_QW_OPTION_UNSUPPORTED`. */
export function parseEndpoint(input: EndpointInput, use: EndpointUse): Endpoint {
  if (typeof input === 'string') return parseText(input, use);
  if (input instanceof URL) return parseText(input.href, use);
  if (typeof input === 'object' && input !== null) return parseObject(input, use);
  throw invalid(input, 'it is neither a URL nor an object');
}

/** The URL of an endpoint: `tcp://127.0.0.1:41234`, `tcp://[::1]:9000`, `ws://127.0.0.1:8080/chat`. */
export function formatEndpoint({ scheme = 'tcp', host, port, path = '' }: Address): string {
  if (isLocalScheme(scheme)) return urlOfPath(scheme, host);
  return `${scheme}://${authorityOf(host, port)}${path}`;
}

/** Host and port as they stand in a URL. */
export function authorityOf(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether a host can only be reached from this machine: 127.0.0.0/8, ::1 in every spelling, localhost, a path. */
export function isLoopback(host: string): boolean {
  if (isPath(host)) return true;
  if (isIPv4(host)) return host.startsWith('127.');
  if (isIPv6(host)) return isLoopback6(host);
  const name = host.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || name.endsWith('.localhost');
}

function isLoopback6(address: string): boolean {
  // The URL parser writes every spelling of an address in one way.
  const canonical = new URL(`http://[${address.split('%', 1)[0]}]`).hostname;
  return canonical === '[::1]' || /^\[::ffff:7f[0-9a-f]{2}:/.test(canonical);
}

function parseText(text: string, use: EndpointUse): Endpoint {
  const [, prefix, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  if (prefix === undefined) throw invalid(text, 'it has no scheme such as tcp://');
  const scheme = checkScheme(text, prefix.toLowerCase());
  if (isLocalScheme(scheme)) return local(text, scheme, pathOfUrl(scheme, rest, process.platform));
  const [authority] = rest.split(/[/?#]/, 1);
  if (authority.includes('@')) throw invalid(text, `a ${scheme} endpoint has no user name or password`);
  const { host, port } = splitAuthority(text, authority);
  const tail = rest.slice(authority.length);
  if (!isWebSocket(scheme)) checkNothingFollows(text, tail, scheme);
  return Object.freeze({
    scheme,
    host: checkHost(text, host),
    port: isPortMissing(port, authority)
      ? checkPort(text, defaultPort(scheme), use)
      : checkPort(text, port, use),
    ...(isWebSocket(scheme) && checkTarget(text, tail, use)),
  });
}

function checkScheme(shown: unknown, scheme: unknown): Scheme {
  if (SCHEMES.has(scheme)) return scheme as Scheme;
  throw invalid(shown, `the scheme ${show(scheme)} is not known; there are tcp, tls, ws, wss, unix and pipe`);
}

/** An endpoint of this machine. Throws `ERR_QW_OPTION_UNSUPPORTED` where the platform has none. */
function local(shown: unknown, scheme: LocalScheme, path: string | { why: string }): Endpoint {
  if (typeof path !== 'string') throw invalid(shown, path.why);
  const lack = lackOf(scheme, process.platform);
  if (lack === undefined) return Object.freeze({ scheme, host: path, port: 0 });
  throw new QWormholeError('ERR_QW_OPTION_UNSUPPORTED', `Endpoint ${show(shown)}: ${lack}`, {
    details: { endpoint: plain(shown), scheme },
  });
}

function splitAuthority(text: string, authority: string): { host: string; port: string } {
  const bracketed = /^(\[[^\]]*\])(?::(.*))?$/s.exec(authority);
  if (bracketed) return { host: bracketed[1], port: bracketed[2] ?? '' };
  const colon = authority.indexOf(':');
  if (colon !== authority.lastIndexOf(':') && !/[[\]]/.test(authority)) {
    throw invalid(text, 'an IPv6 address goes in brackets, as in tcp://[::1]:9000');
  }
  if (colon === -1) return { host: authority, port: '' };
  return { host: authority.slice(0, colon), port: authority.slice(colon + 1) };
}

function checkNothingFollows(text: string, tail: string, scheme: Scheme): void {
  if (tail === '') return;
  const part = { '/': 'path', '?': 'query', '#': 'fragment' }[tail[0]];
  throw invalid(
    text,
    `a ${scheme} endpoint ends after the port and has no ${part}; options go into the options object`,
  );
}

function checkHost(shown: unknown, host: string): string {
  if (host === '') throw invalid(shown, 'the host is missing; for this machine write 127.0.0.1');
  if (host.startsWith('[')) {
    const address = host.slice(1, -1);
    // The zone behind % is an interface's name, and those have cases.
    if (host.endsWith(']') && isIPv6(address)) return address.replace(/^[^%]*/, (part) => part.toLowerCase());
    throw invalid(shown, 'what is in the brackets is not an IPv6 address');
  }
  if (isIPv4(host)) return host;
  // Names outside ASCII are written as DNS knows them. That conversion would drop control characters.
  const isPlain = /^[ -~]*$/.test(host) || /[\p{Cc}\s]/u.test(host);
  const name = isPlain ? host.toLowerCase() : domainToASCII(host);
  if (NUMERIC_END.test(name)) throw invalid(shown, 'the host is not a complete IPv4 address of four numbers');
  if (!NAME.test(name) || name.length > MAX_NAME_LENGTH) throw invalid(shown, 'the host is not a legal name');
  return name;
}

function isPortMissing(port: string, authority: string): boolean {
  return port === '' && !authority.endsWith(':');
}

/** Empty where there is none. */
export function defaultPort(scheme: Scheme): number | '' {
  if (!isWebSocket(scheme)) return '';
  return isSecure(scheme) ? WSS_PORT : WS_PORT;
}

function checkPort(shown: unknown, port: string | number, use: EndpointUse): number {
  const hint =
    use === 'listen' ? 'write :0 for a free one' : 'write it after the host, as in tcp://host:9000';
  if (port === '' || port === undefined) throw invalid(shown, `the port is missing; ${hint}`);
  const number = typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : port;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > MAX_PORT) {
    throw invalid(shown, `the port is not a number from 1 to ${MAX_PORT}`);
  }
  if (number === 0 && use === 'connect') throw invalid(shown, 'port 0 is for listening only');
  return number;
}

/** Throws where path or query are not for this use. */
function checkTarget(shown: unknown, tail: string, use: EndpointUse): Target {
  const target = targetOf(tail, use);
  if (typeof target === 'string') throw invalid(shown, target);
  return target;
}

function parseObject(input: EndpointObject, use: EndpointUse): Endpoint {
  const scheme = checkScheme(input, input.scheme);
  const unknown = Object.keys(input).find((key) => !OBJECT_KEYS[scheme].has(key));
  if (unknown !== undefined) throw invalid(input, `a ${scheme} endpoint has no field ${show(unknown)}`);
  const { protocol } = input;
  if (protocol !== undefined && !PROTOCOLS.includes(protocol)) {
    throw invalid(input, `the protocol is not one of ${PROTOCOLS.join(', ')}`);
  }
  if (isLocalScheme(scheme)) {
    const path = pathOfObject(scheme, (input as LocalEndpointObject).path, process.platform);
    return Object.freeze({ ...local(input, scheme, path), ...(protocol !== undefined && { protocol }) });
  }
  return parseNetworkObject(input as TcpEndpointObject | WebSocketEndpointObject, scheme, use);
}

function parseNetworkObject(
  input: TcpEndpointObject | WebSocketEndpointObject,
  scheme: Scheme,
  use: EndpointUse,
): Endpoint {
  const { host = LOOPBACK, protocol } = input;
  if (typeof host !== 'string') throw invalid(input, 'the host is not a string');
  const port = input.port ?? (defaultPort(scheme) || undefined);
  if (typeof port === 'string') throw invalid(input, 'the port is a string, not a number');
  return Object.freeze({
    scheme,
    host: checkHost(input, isIPv6(host) ? `[${host}]` : host),
    port: checkPort(input, port as number, use),
    ...(isWebSocket(scheme) && checkTarget(input, (input as WebSocketEndpointObject).path ?? '', use)),
    ...(protocol !== undefined && { protocol }),
  });
}

function invalid(shown: unknown, why: string): QWormholeError {
  return new QWormholeError('ERR_QW_ENDPOINT_INVALID', `Endpoint ${show(shown)}: ${why}`, {
    details: { endpoint: plain(shown) },
  });
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(plain(value)) : plain(value);
}

/** A short text for messages and logs; a password, or a token in the query, does not get there. */
function plain(value: unknown): string {
  let text: string;
  try {
    text = typeof value === 'string' ? masked(value) : (JSON.stringify(value, maskedField) ?? String(value));
  } catch {
    text = String(value);
  }
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function masked(text: string): string {
  return text.replace(/(:\/\/)[^/?#]*@/, '$1***@').replace(/([?#]).+$/s, '$1***');
}

function maskedField(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? masked(value) : value;
}
