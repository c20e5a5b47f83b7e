/**
 * Certificates for development and tests: a certificate authority and what it signs (RFC 5280), with ECDSA on
 * P-256. `node:crypto` has keys and signatures but makes no certificates; the library that would brings twenty
 * packages along, for a structure that is written here and never read.
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { bits, boolean, integer, octets, oid, sequence, setOf, tagged, time, utf8 } from './der.js';

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
};
const DAY_MS = 24 * 3600 * 1000;
/** Clocks differ: valid a little before it is made, ms. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;
/** Bits of KeyUsage, the first one highest. */
const SIGNS_CERTIFICATES = 0b0000_0110;
const SIGNS = 0b1000_0000;

/** A certificate with its key. */
export interface Issued {
  readonly name: string;
  readonly der: Buffer;
  /** PEM, followed by the authorities that are not roots. */
  readonly cert: string;
  /** PKCS #8 in PEM. */
  readonly key: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** It has signed itself. */
  readonly isRoot: boolean;
}

/** What is asked for. */
export interface CertificateRequest {
  /** The common name; of what is no authority also a name that it is for, unless `names` says others. */
  readonly name: string;
  /** Host names and IP addresses. */
  readonly names?: readonly string[];
  /** Default: both. */
  readonly uses?: readonly ('server' | 'client')[];
  readonly isAuthority?: boolean;
  /** Whose it is; without it the certificate signs itself. */
  readonly issuer?: Issued;
  readonly days?: number;
  /** Default: a few minutes ago. */
  readonly from?: Date;
}

/** Makes a key and a certificate for it. */
export function issue(request: CertificateRequest): Issued {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { name, issuer } = request;
  const subject = { name, publicKey };
  const signer = issuer ?? { ...subject, privateKey };
  const body = toBeSigned(request, subject, signer);
  const signature = sign('sha256', body, signer.privateKey);
  const der = sequence(body, sequence(oid(OID.ecdsaWithSha256)), bits(signature));
  // A root goes without saying: whoever trusts it has it.
  const cert = pem('CERTIFICATE', der) + (issuer === undefined || issuer.isRoot ? '' : issuer.cert);
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return { name, der, cert, key, privateKey, publicKey, isRoot: issuer === undefined };
}

/**
 * An authority that was made here before. Throws an error for people where it is none: the name of another's
 * could have more parts than are written here.
 */
export function openAuthority(cert: string, key: string): Issued {
  const certificate = new X509Certificate(cert);
  const privateKey = createPrivateKey(key);
  const [, name] = /^CN=([^\n]+)$/.exec(certificate.subject) ?? [];
  if (!certificate.ca || name === undefined)
    throw new Error('its certificate is none of an authority made here');
  if (!certificate.checkPrivateKey(privateKey))
    throw new Error('its certificate and its key do not belong together');
  const { raw: der, publicKey } = certificate;
  return { name, der, cert, key, privateKey, publicKey, isRoot: true };
}

/** PEM of some DER. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

interface Party {
  readonly name: string;
  readonly publicKey: KeyObject;
}

function toBeSigned(request: CertificateRequest, subject: Party, signer: Party): Buffer {
  const from = request.from ?? new Date(Date.now() - CLOCK_SKEW_MS);
  const to = new Date(from.getTime() + (request.days ?? 365) * DAY_MS);
  const serial = randomBytes(16);
  // Positive, and not shorter than it looks.
  serial[0] = (serial[0] & 0x7f) | 0x40;
  return sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    sequence(oid(OID.ecdsaWithSha256)),
    distinguishedName(signer.name),
    sequence(time(from), time(to)),
    distinguishedName(subject.name),
    spkiOf(subject.publicKey),
    tagged(0xa3, sequence(...extensionsOf(request, subject, signer))),
  );
}

function extensionsOf(request: CertificateRequest, subject: Party, signer: Party): Buffer[] {
  const { isAuthority = false, uses = ['server', 'client'] } = request;
  const usage = isAuthority ? bits(Buffer.from([SIGNS_CERTIFICATES]), 1) : bits(Buffer.from([SIGNS]), 7);
  const list = [
    extension(OID.basicConstraints, true, sequence(...(isAuthority ? [boolean(true)] : []))),
    extension(OID.keyUsage, true, usage),
    extension(OID.subjectKeyIdentifier, false, octets(keyIdentifier(subject.publicKey))),
    extension(OID.authorityKeyIdentifier, false, sequence(tagged(0x80, keyIdentifier(signer.publicKey)))),
  ];
  if (isAuthority) return list;
  const names = (request.names ?? [request.name]).map(generalName);
  list.push(extension(OID.extendedKeyUsage, false, sequence(...uses.map((use) => oid(OID[use])))));
  if (names.length > 0) list.push(extension(OID.subjectAltName, false, sequence(...names)));
  return list;
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octets(value));
}

function distinguishedName(name: string): Buffer {
  return sequence(setOf(sequence(oid(OID.commonName), utf8(name))));
}

function generalName(name: string): Buffer {
  return isIP(name) === 0 ? tagged(0x82, Buffer.from(name, 'latin1')) : tagged(0x87, addressBytes(name));
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser writes a dotted end in hexadecimal.
  const [head, tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const words = (text = ''): number[] =>
    text === '' ? [] : text.split(':').map((word) => parseInt(word, 16));
  const [left, right] = [words(head), words(tail)];
  const all = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Buffer.from(all.flatMap((word) => [word >>> 8, word & 0xff]));
}

function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

/** Any value would do that tells keys apart. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha256').update(spkiOf(publicKey)).digest().subarray(0, 20);
}
