/** What a TLS socket agreed on. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { QWormholeError } from '../../errors/error.js';
import type { TlsInfo, TlsVersion } from '../tls.js';
import { certificateFault, certificateRequired, nameFault } from './tls-faults.js';

/** OpenSSL's names of groups, as IANA writes them. */
const GROUPS: Readonly<Record<string, string>> = {
  X25519: 'x25519',
  X448: 'x448',
  prime256v1: 'secp256r1',
};
/** More certificates than any chain has. */
const MAX_CHAIN = 16;

const known = new WeakMap<Socket, TlsInfo>();

/** The session of a socket; `undefined` for one without TLS. It never changes. */
export function tlsInfoOf(socket: Socket): TlsInfo | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  let info = known.get(socket);
  if (info === undefined) known.set(socket, (info = read(socket, {})));
  return info;
}

/** What a client knows of the server that it calls. */
interface Called {
  /** The certificate must be for this name or address. */
  readonly name?: string;
  /** What the server sent when the session began that may be resumed: OpenSSL keeps the first of them alone. */
  readonly chain?: readonly Buffer[];
}

/** The session with a server, before anybody else asks for it. */
export function tlsInfoOfServer(socket: TLSSocket, called: Called): TlsInfo {
  const info = read(socket, called);
  known.set(socket, info);
  return info;
}

function read(socket: TLSSocket, { name, chain }: Called): TlsInfo {
  const isResumed = socket.isSessionReused();
  const peerChain = (isResumed && chain) || chainOf(socket.getPeerX509Certificate());
  // Whose certificate nobody asked for is neither authorized nor in the wrong.
  const isAsked = socket.authorized || socket.authorizationError !== null;
  const authorizationError = isAsked ? faultOf(socket, peerChain, name) : undefined;
  return Object.freeze({
    protocol: socket.getProtocol() as TlsVersion,
    cipher: socket.getCipher().standardName,
    group: groupOf(socket),
    alpn: socket.alpnProtocol || '',
    servername: nameOf(socket),
    peerChain,
    authorized: isAsked && authorizationError === undefined,
    ...(authorizationError && { authorizationError }),
    isResumed,
  });
}

/**
 * What is wrong with the peer's certificate. Of resumed sessions `node:tls` knows what was found in the first
 * handshake, looks at neither dates nor names, and takes those without a certificate for good.
 */
function faultOf(
  socket: TLSSocket,
  chain: readonly Buffer[],
  name: string | undefined,
): QWormholeError | undefined {
  if (chain.length === 0) return certificateRequired();
  // It is the code of what OpenSSL found, whatever the types say.
  const why = socket.authorizationError as unknown as string | null;
  if (why !== null) return certificateFault(why);
  const outdated = socket.isSessionReused() ? outdatedOf(chain) : undefined;
  if (outdated !== undefined || name === undefined) return outdated;
  const own = new X509Certificate(chain[0]);
  return isFor(own, name) ? undefined : nameFault(name, own.subjectAltName);
}

function outdatedOf(chain: readonly Buffer[]): QWormholeError | undefined {
  const now = Date.now();
  for (const { validFrom, validTo } of chain.map((der) => new X509Certificate(der))) {
    if (now < Date.parse(validFrom)) return certificateFault('CERT_NOT_YET_VALID');
    if (now > Date.parse(validTo)) return certificateFault('CERT_HAS_EXPIRED');
  }
  return undefined;
}

/** The common name of the subject is no name of a server any more (RFC 9525, section 2), and stars are whole labels. */
function isFor(certificate: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
  const rules = { subject: 'never', wildcards: true, partialWildcards: false } as const;
  return certificate.checkHost(name.replace(/\.$/, ''), rules) !== undefined;
}

/** Only clients are told. */
function groupOf(socket: TLSSocket): string | undefined {
  const info = socket.getEphemeralKeyInfo() as { name?: string } | null;
  const name = info?.name;
  return name === undefined ? undefined : (GROUPS[name] ?? name);
}

function nameOf(socket: TLSSocket): string {
  const { servername } = socket as { servername?: string | false | null };
  return typeof servername === 'string' ? servername.toLowerCase() : '';
}

function chainOf(leaf: X509Certificate | undefined): readonly Buffer[] {
  const chain: Buffer[] = [];
  for (let each = leaf; each !== undefined && chain.length < MAX_CHAIN; each = issuerOf(each))
    chain.push(each.raw);
  return chain;
}

function issuerOf(certificate: X509Certificate): X509Certificate | undefined {
  return (certificate as { issuerCertificate?: X509Certificate }).issuerCertificate;
}
