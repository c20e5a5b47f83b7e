/** What a TLS socket agreed on. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import type { TlsInfo, TlsVersion } from '../tls.js';
import { certificateFault } from './tls-faults.js';

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
  if (info === undefined) known.set(socket, (info = read(socket)));
  return info;
}

function read(socket: TLSSocket): TlsInfo {
  const { alpnProtocol, authorized } = socket;
  // It is the code of what OpenSSL found, whatever the types say.
  const why = socket.authorizationError as unknown as string | undefined;
  return Object.freeze({
    protocol: socket.getProtocol() as TlsVersion,
    cipher: socket.getCipher().standardName,
    group: groupOf(socket),
    alpn: alpnProtocol || '',
    servername: nameOf(socket),
    peerChain: chainOf(socket.getPeerX509Certificate()),
    authorized,
    ...(!authorized && why && { authorizationError: certificateFault(why) }),
    isResumed: socket.isSessionReused(),
  });
}

/** Only clients are told. */
function groupOf(socket: TLSSocket): string | undefined {
  const info = socket.getEphemeralKeyInfo() as { name?: string } | null;
  const name = info?.name;
  return name === undefined ? undefined : (GROUPS[name] ?? name);
}

function nameOf(socket: TLSSocket): string {
  const { servername } = socket as { servername?: string | false | null };
  return typeof servername === 'string' ? servername : '';
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
