/** TLS for tests that are not about TLS: as a deployment would give it. */
import { ca, pairOf, serverCert } from './pki.js';

/** Servers show a certificate for this machine, clients trust its authority. */
export function useTestCertificates(): void {
  const { cert, key } = pairOf(serverCert());
  Object.assign(process.env, {
    QWORMHOLE_TLS_CERT: cert,
    QWORMHOLE_TLS_KEY: key,
    QWORMHOLE_TLS_CA: ca.cert,
  });
}
