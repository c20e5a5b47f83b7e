/** A TLS session as users see it: `connection.tls`, and what `verify` is asked about. */
import { X509Certificate } from 'node:crypto';
import { closed, QWormholeError } from '../errors/error.js';
import type { Link } from '../link/link.js';
import type { TlsInfo, TlsPeer } from '../link/tls.js';
import type { TlsPeerSession, TlsSession } from './types.js';

/** Most that the key schedule of TLS 1.3 gives, bytes: 255 times the smaller of its hashes (RFC 5869). */
const MAX_KEYING_MATERIAL = 255 * 32;

class Session implements TlsSession {
  readonly #info: TlsInfo;
  #certificate: X509Certificate | undefined;

  constructor(info: TlsInfo) {
    this.#info = info;
  }

  get protocol() {
    return this.#info.protocol;
  }

  get cipher(): string {
    return this.#info.cipher;
  }

  get group(): string | undefined {
    return this.#info.group;
  }

  get alpn(): string {
    return this.#info.alpn;
  }

  get servername(): string {
    return this.#info.servername;
  }

  get peerCertificate(): X509Certificate | undefined {
    const [der] = this.#info.peerChain;
    if (der !== undefined) this.#certificate ??= new X509Certificate(der);
    return this.#certificate;
  }

  get authorized(): boolean {
    return this.#info.authorized;
  }

  get authorizationError(): QWormholeError | undefined {
    return this.#info.authorizationError;
  }

  get isResumed(): boolean {
    return this.#info.isResumed;
  }
}

class PeerSession extends Session implements TlsPeerSession {
  readonly remoteAddress: string;
  readonly remotePort: number;

  constructor({ info, remoteAddress, remotePort }: TlsPeer) {
    super(info);
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }
}

/** The TLS session of a connection. */
export class ConnectionTls extends Session {
  readonly #link: Link | undefined;

  /** @internal */
  constructor(info: TlsInfo, link: Link | undefined) {
    super(info);
    this.#link = link;
  }

  /**
   * Bytes that both ends of this connection, and nobody else, can compute (RFC 5705, RFC 8446 section 7.5): for
   * binding what is above to this session.
   * @param length 1 to 8160 bytes.
   * @throws QWormholeError `ERR_QW_CLOSED` once the connection is closed, `ERR_QW_OPTION_INVALID`.
   */
  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Buffer {
    if (typeof label !== 'string' || label === '') throw invalid('label', 'a label that is not empty');
    if (!Number.isInteger(length) || length < 1 || length > MAX_KEYING_MATERIAL)
      throw invalid('length', `an integer from 1 to ${MAX_KEYING_MATERIAL} (bytes)`);
    if (context !== undefined && !(context instanceof Uint8Array)) throw invalid('context', 'bytes');
    const material = this.#link?.exportKeyingMaterial?.(label, length, context);
    if (material === undefined) throw closed('connection');
    return material;
  }
}

function invalid(option: string, expected: string): QWormholeError {
  const message = `exportKeyingMaterial takes as ${option} ${expected}`;
  return new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option } });
}

/** One object for each connection, made when somebody asks. */
const sessions = new WeakMap<TlsInfo, ConnectionTls>();

/** The session of a connection; `undefined` without TLS. It outlives its link, all but the keys. */
export function sessionOf(info: TlsInfo | undefined, link: Link | undefined): ConnectionTls | undefined {
  if (info === undefined) return undefined;
  let session = sessions.get(info);
  if (session === undefined) sessions.set(info, (session = new ConnectionTls(info, link)));
  return session;
}

/** A peer for `verify`. */
export function peerSession(peer: TlsPeer): TlsPeerSession {
  return new PeerSession(peer);
}
