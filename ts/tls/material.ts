/** Certificates and keys as users have them, turned into the one form that backends take. */
import { createPrivateKey, X509Certificate, type KeyObject, type PrivateKeyInput } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { QWormholeError } from '../errors/error.js';
import type { TlsIdentity } from '../link/tls.js';
import type { TlsIdentityOptions, TlsMaterial } from './types.js';

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g;
const PEM_BEGIN = '-----BEGIN ';
const CERTIFICATE = /^(X509 |TRUSTED )?CERTIFICATE$/;
/** DER forms of a private key, the usual one first. */
const KEY_FORMS = ['pkcs8', 'sec1', 'pkcs1'] as const;
/** NIST SP 800-57 part 1, table 2: less has been too little since 2014. */
const MIN_RSA_BITS = 2048;
const CURVES: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];

/** An error that names an option and says what is wrong with what it was given. */
export function badMaterial(option: string, why: string, cause?: unknown): QWormholeError {
  const context = { details: { option }, ...(cause !== undefined && { cause }) };
  return new QWormholeError('ERR_QW_TLS_CONFIG', `Option ${option} ${why}`, context);
}

/** What a file holds. */
export function readMaterial(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw badMaterial(option, `names a file that cannot be read: ${path} (${code})`, cause);
  }
}

/** Certificates in DER, in their order; at least one. */
export function certificatesOf(option: string, material: TlsMaterial): Buffer[] {
  const parts = Array.isArray(material) ? material : [material as string | Uint8Array];
  const list = parts.flatMap((part) =>
    isPem(part) ? certificatesInPem(option, part) : [bytesOf(option, part)],
  );
  if (list.length === 0) throw badMaterial(option, 'has PEM without a certificate');
  for (const der of list) parseCertificate(option, der);
  return list;
}

/** Throws what is wrong with it. */
export function parseCertificate(option: string, der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw badMaterial(option, 'has what is no certificate', cause);
  }
}

/** A certificate with its key, checked to belong together. `prefix` stands before the names of the options. */
export function identityOf(given: TlsIdentityOptions, prefix: string): TlsIdentity | undefined {
  const cert = oneOf(given, 'cert', prefix);
  const key = oneOf(given, 'key', prefix);
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined) throw badMaterial(`${prefix}key`, 'is given without a certificate');
  if (key === undefined) throw badMaterial(`${prefix}cert`, 'is given without its key');
  const chain = certificatesOf(`${prefix}cert`, cert);
  const secret = privateKeyOf(`${prefix}key`, key as string | Uint8Array, given.passphrase);
  checkKind(`${prefix}key`, secret);
  if (!new X509Certificate(chain[0]).checkPrivateKey(secret))
    throw badMaterial(`${prefix}key`, 'does not belong to the first certificate of cert');
  return { chain, key: secret.export({ type: 'pkcs8', format: 'der' }) };
}

/** The value of an option or of the file that its other form names. */
export function oneOf(
  given: Readonly<Record<string, unknown>> | TlsIdentityOptions,
  name: 'cert' | 'key' | 'ca',
  prefix: string,
): TlsMaterial | undefined {
  const values = given as Readonly<Record<string, unknown>>;
  const path = values[`${name}Path`] as string | undefined;
  const value = values[name] as TlsMaterial | undefined;
  if (path === undefined) return value;
  if (value !== undefined) throw badMaterial(`${prefix}${name}`, `excludes ${prefix}${name}Path`);
  return readMaterial(`${prefix}${name}Path`, path);
}

/** What both backends sign with, and every client of TLS 1.2 and 1.3 verifies. */
function checkKind(
  option: string,
  { asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject,
): void {
  const { modulusLength = 0, namedCurve = '' } = details;
  const isGood =
    type === 'ed25519' ||
    (type === 'rsa' && modulusLength >= MIN_RSA_BITS) ||
    (type === 'ec' && CURVES.includes(namedCurve));
  if (isGood) return;
  const size = namedCurve || (modulusLength > 0 ? `${modulusLength} bits` : '');
  const what = [type, size].filter(Boolean).join(' of ');
  throw badMaterial(
    option,
    `must be RSA of at least ${MIN_RSA_BITS} bits, P-256, P-384, P-521 or Ed25519; it is ${what}`,
  );
}

function privateKeyOf(option: string, key: string | Uint8Array, passphrase: string | undefined): KeyObject {
  const inputs: PrivateKeyInput[] = isPem(key)
    ? [{ key: textOf(key), format: 'pem', passphrase }]
    : KEY_FORMS.map((type) => ({ key: bytesOf(option, key), format: 'der', type, passphrase }));
  const failures: unknown[] = [];
  for (const input of inputs) {
    try {
      return createPrivateKey(input);
    } catch (error) {
      failures.push(error);
    }
  }
  throw badMaterial(option, whyNoKey(failures, passphrase), failures[0]);
}

/** The first form is the only one that may be encrypted. */
function whyNoKey([failure]: readonly unknown[], passphrase: string | undefined): string {
  const { code, message } = failure as NodeJS.ErrnoException;
  if (code === 'ERR_MISSING_PASSPHRASE' || /interrupted or cancelled|empty password/i.test(message))
    return 'is encrypted: give its passphrase';
  if (passphrase !== undefined && /decrypt|padding|mac verify/i.test(`${code} ${message}`))
    return 'does not open with this passphrase';
  return 'is no private key in PEM or DER';
}

function isPem(part: string | Uint8Array): boolean {
  return textOf(part).includes(PEM_BEGIN);
}

/** Latin 1 keeps bytes apart that are not text. */
function textOf(part: string | Uint8Array): string {
  return typeof part === 'string' ? part : Buffer.from(part).toString('latin1');
}

function bytesOf(option: string, part: string | Uint8Array): Buffer {
  if (typeof part !== 'string') return Buffer.from(part);
  throw badMaterial(option, `is text but no PEM: the path of a file goes into ${option}Path`);
}

/** A file that is being written may end in the midst of a block: part of a bundle is not the bundle. */
function certificatesInPem(option: string, part: string | Uint8Array): Buffer[] {
  const text = textOf(part);
  const all = [...text.matchAll(PEM)];
  if (all.length !== text.split(PEM_BEGIN).length - 1)
    throw badMaterial(option, 'has PEM that is cut or damaged');
  const blocks = all.filter(([, label]) => CERTIFICATE.test(label));
  return blocks.map(([, , base64]) => Buffer.from(base64, 'base64'));
}
