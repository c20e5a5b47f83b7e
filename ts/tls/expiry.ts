/** When certificates end, and who is told in time. */
import { createHash, X509Certificate } from 'node:crypto';
import { isFirstInProcess } from '../policy/once-per-process.js';

/** A warning comes this long before the end, ms. ACME clients renew at 30 days: later, something is amiss. */
const NOTICE_MS = 30 * 24 * 3600 * 1000;

/** A certificate in use, as counters show it. */
export interface CertificateStats {
  /** The distinguished name, on one line. */
  readonly subject: string;
  /** Names that it is for, as in `DNS:example.com, IP Address:192.0.2.1`. */
  readonly names: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  /** SHA-256 of the certificate, hexadecimal. */
  readonly fingerprint: string;
}

export function describeCertificate(der: Uint8Array): CertificateStats {
  const { subject, subjectAltName = '', validFrom, validTo } = new X509Certificate(der);
  return {
    subject: (subject ?? '').replaceAll('\n', ', '),
    names: subjectAltName,
    validFrom: new Date(validFrom),
    validTo: new Date(validTo),
    fingerprint: createHash('sha256').update(der).digest('hex'),
  };
}

/** Warns of a certificate that ends soon or has ended: once for each. */
export function warnExpiry(der: Uint8Array, now = Date.now()): void {
  const { subject, validTo, fingerprint } = describeCertificate(der);
  const left = validTo.getTime() - now;
  if (left > NOTICE_MS) return;
  const isOver = left <= 0;
  if (!isFirstInProcess(`tls certificate ${fingerprint} ${isOver ? 'is over' : 'ends soon'}`)) return;
  const when = `${isOver ? 'has expired' : 'expires'} at ${validTo.toISOString()}`;
  process.emitWarning(
    `The certificate of ${subject} ${when}: renew it.`,
    'QWormholeWarning',
    'QW_TLS_EXPIRY',
  );
}
