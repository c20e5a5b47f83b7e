/** The option `tls`, read and checked, in the words of the seam: the part that both ends have in common. */
import { invalidOption } from '../options/check.js';
import { OPTION_TABLE as T } from '../options/table.js';
import type { CheckedTls } from '../options/tls-schema.js';
import type { TlsFingerprint, TlsSettings } from '../link/tls.js';
import { parseFingerprint } from './fingerprint.js';
import { judgeFor } from './judge.js';
import { certificatesOf, oneOf } from './material.js';

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
  const ca = oneOf(given, 'ca', PREFIX);
  return {
    minVersion: postQuantum === 'require' ? 'TLSv1.3' : minVersion,
    maxVersion,
    alpn: given.alpn ?? NONE,
    ca: ca === undefined ? undefined : certificatesOf('tls.ca', ca),
    rejectUnauthorized: given.rejectUnauthorized ?? T['tls.rejectUnauthorized'].default,
    postQuantum,
    resumption: given.sessionResumption ?? T['tls.sessionResumption'].default,
    handshakeTimeoutMs: given.handshakeTimeoutMs ?? T['tls.handshakeTimeoutMs'].default,
    pins: given.pins?.map(fingerprint),
    revoked: given.revoked?.map(fingerprint),
    judge: judgeFor(given),
  };
}

/** The options are checked: it is one. */
function fingerprint(text: string): TlsFingerprint {
  return parseFingerprint(text)!;
}
