/** Fingerprints of certificates and of public keys: SHA-256, in the spellings that tools print. */
import { createHash, X509Certificate } from 'node:crypto';
import type { TlsFingerprint } from '../link/tls.js';

/** The public key survives a renewal, the certificate does not. */
export type Fingerprint = TlsFingerprint;

const BASE64 = /^sha256\/([A-Za-z0-9+/]{43}=)$/;
const HEX = /^sha256-(spki|cert):([0-9a-f]{64}|[0-9a-f]{2}(?::[0-9a-f]{2}){31})$/i;

/** `sha256/<base64>` of the public key, as in RFC 7469, or `sha256-spki:<hex>`, `sha256-cert:<hex>`. */
export function parseFingerprint(text: string): Fingerprint | undefined {
  const [, base64] = BASE64.exec(text) ?? [];
  if (base64 !== undefined) return { of: 'spki', hex: Buffer.from(base64, 'base64').toString('hex') };
  const [, of, hex] = HEX.exec(text) ?? [];
  if (hex === undefined) return undefined;
  return { of: of.toLowerCase() as Fingerprint['of'], hex: hex.replaceAll(':', '').toLowerCase() };
}

/** The same of texts that were checked to be fingerprints. */
export function parsed(texts: readonly string[]): Fingerprint[] {
  return texts.map((text) => parseFingerprint(text)!);
}

/** Both fingerprints of a certificate in DER, in hexadecimal. */
export function fingerprintsOf(der: Uint8Array): Readonly<Record<Fingerprint['of'], string>> {
  const spki = new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' });
  return { spki: sha256(spki), cert: sha256(der) };
}

/** Fingerprints, to be looked up by certificate. */
export class Fingerprints {
  readonly #known: ReadonlySet<string>;

  constructor(all: readonly Fingerprint[]) {
    this.#known = new Set(all.map(keyOf));
  }

  /** The one that this certificate in DER has, if any. */
  find(der: Uint8Array): Fingerprint | undefined {
    if (this.#known.size === 0) return undefined;
    const own = fingerprintsOf(der);
    return (['spki', 'cert'] as const)
      .map((of) => ({ of, hex: own[of] }))
      .find((each) => this.#known.has(keyOf(each)));
  }
}

function keyOf({ of, hex }: Fingerprint): string {
  return `${of}:${hex}`;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
