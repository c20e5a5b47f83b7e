/** Certificates of the tests, made when they are first wanted. */
import { issue, type CertificateRequest, type Issued } from '../../ts/cli/x509.js';

/** Names of this machine that certificates are for. */
export const HERE = ['localhost', '127.0.0.1', '::1'];

/** Everybody's authority. */
export const ca = issue({ name: 'Test authority', isAuthority: true });

/** Nobody's authority. */
export const otherCa = issue({ name: 'Other authority', isAuthority: true });

/** A certificate by the authority, for this machine. */
export function serverCert(request: Partial<CertificateRequest> = {}): Issued {
  return issue({ name: 'server', names: HERE, uses: ['server'], issuer: ca, ...request });
}

/** A certificate by the authority, for a client. */
export function clientCert(request: Partial<CertificateRequest> = {}): Issued {
  return issue({ name: 'client', names: [], uses: ['client'], issuer: ca, ...request });
}

/** As the options `cert` and `key`. */
export function pairOf({ cert, key }: Issued): { cert: string; key: string } {
  return { cert, key };
}
