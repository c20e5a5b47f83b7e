/** What the text of an event says. */
import type { QWormholeError, SystemContext } from '../../errors/error.js';
import type { Carrier, LinkInfo } from '../link.js';
import { peerText } from '../place.js';
import { routeFrom } from '../routes.js';
import { addresses } from './addresses.js';
import { GOAWAY } from './descriptor.js';
import type { TlsInfo, TlsVersion } from '../tls.js';
import { faultOfText, type Met } from './faults.js';
import type { Closed } from './ending.js';

/**
 * Of lines: addresses and ports of both ends, subprotocol, whether messages are compressed; and behind a zero what
 * there is of TLS.
 */
export function infoOf(text: string, carrier: Carrier): LinkInfo {
  const zero = text.indexOf('\0');
  const lines = zero === -1 ? text : text.slice(0, zero);
  const [remote, remotePort] = lines.split('\n', 2);
  // One literal: what is spread together takes more memory, and every connection keeps it.
  const route = routeFrom(`${carrier}${lines.slice(remote.length + 1 + remotePort.length)}`);
  const ends = { route, remoteAddress: addresses.of(remote), remotePort: Number(remotePort) };
  return zero === -1 ? ends : { ...ends, tls: tlsInfoOf(text.slice(zero + 1).split('\0'), remote) };
}

/** A failed handshake: lines of the client's address and port, and behind a zero the error. */
export function insecureOf(
  text: string,
  meeting?: Met,
): { error: QWormholeError; address: string; port: number } {
  const at = text.indexOf('\0');
  const [address, port] = text.slice(0, at).split('\n');
  const what = peerText({ remoteAddress: address, remotePort: Number(port) });
  return {
    error: faultOfText(text.slice(at + 1), { during: 'io', what }, meeting),
    address,
    port: Number(port),
  };
}

/** Of lines that `src/exchange/descriptor.rs` has the order of, and perhaps why the peer is not authorized. */
function tlsInfoOf([lines, fault]: string[], what: string): TlsInfo {
  const [protocol, cipher, group, alpn, servername, authorized, resumed, ...chain] = lines.split('\n');
  return {
    protocol: protocol as TlsVersion,
    cipher,
    ...(group !== '' && { group }),
    alpn,
    servername,
    peerChain: chain.map((certificate) => Buffer.from(certificate, 'base64')),
    authorized: authorized === '1',
    ...(fault !== undefined && { authorizationError: faultOfText(fault, { during: 'io', what }) }),
    isResumed: resumed === '1',
  };
}

/** What an error of a link says of it. */
export interface Circumstances {
  readonly doing: SystemContext;
  readonly meeting: Met | undefined;
}

/**
 * @param code The peer's close code, 0 if it sent no close frame: then the text is an error.
 * @param retryAfterMs Of a GOAWAY.
 * @param link Asked for an error only: its words take longer to make than all the rest.
 */
export function closedOf(
  { clean, code, retryAfterMs }: { clean: boolean; code: number; retryAfterMs: number },
  text: string | undefined,
  link: Circumstances,
): Closed {
  if ((code & GOAWAY) !== 0) {
    const farewell = { code: code & ~GOAWAY, reason: text ?? '', retryAfterMs };
    return { clean, error: undefined, farewell };
  }
  if (code !== 0) return { clean, error: undefined, farewell: { code, reason: text ?? '' } };
  const error = text === undefined ? undefined : faultOfText(text, link.doing, link.meeting);
  return { clean, error, farewell: undefined };
}
