/** The option `tls`, read and checked, in the words of the seam: the part that both ends have in common. */
import { invalidOption } from '../options/check.js';
import { OPTION_TABLE as T } from '../options/table.js';
import type { CheckedTls } from '../options/tls-schema.js';
import type { TlsSettings } from '../link/tls.js';
import { Fingerprints, parsed } from './fingerprint.js';
import { judgeFor } from './judge.js';
import { badMaterial, certificatesOf, oneOf } from './material.js';

export const PREFIX = 'tls.';
const NONE: readonly string[] = Object.freeze([]);

/** Throws `ERR_QW_OPTION_INVALID` and `ERR_QW_TLS_CONFIG`. */
export function commonSettings(given: CheckedTls): TlsSettings {
  const minVersion = given.minVersion ?? T['tls.minVersion'].default;
  const maxVersion = given.maxVersion ?? T['tls.maxVersion'].default;
  if (maxVersion < minVersion)
    throw invalidOption('tls.maxVersion', maxVersion, `must be at least minVersion, ${minVersion}`);
  const postQuantum = given.postQuantum ?? T['tls.postQuantum'].default;
  if (postQuantum === 'require' && maxVersion !== 'TLSv1.3')
    throw invalidOption('tls.postQuantum', postQuantum, 'needs maxVersion TLSv1.3');
  return {
    minVersion: postQuantum === 'require' ? 'TLSv1.3' : minVersion,
    maxVersion,
    alpn: given.alpn ?? NONE,
    ca: authoritiesIn(given),
    rejectUnauthorized: given.rejectUnauthorized ?? T['tls.rejectUnauthorized'].default,
    postQuantum,
    resumption: given.sessionResumption ?? T['tls.sessionResumption'].default,
    handshakeTimeoutMs: given.handshakeTimeoutMs ?? T['tls.handshakeTimeoutMs'].default,
    pins: given.pins && parsed(given.pins),
    revoked: given.revoked && parsed(given.revoked),
    judge: judgeFor(given),
  };
}

/** Who is trusted: what is revoked is not. */
function authoritiesIn(given: CheckedTls): readonly Buffer[] | undefined {
  const ca = oneOf(given, 'ca', PREFIX);
  if (ca === undefined) return undefined;
  const revoked = new Fingerprints(parsed(given.revoked ?? []));
  const trusted = certificatesOf('tls.ca', ca).filter((der) => revoked.find(der) === undefined);
  if (trusted.length === 0) throw badMaterial('tls.ca', 'has nothing that tls.revoked leaves');
  return trusted;
}
