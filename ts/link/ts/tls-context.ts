/**
 * What `node:tls` is told, so that it negotiates what the native backend does: the cipher suites and groups
 * of rustls with aws-lc-rs, all of them with forward secrecy and AEAD, in its order, and no renegotiation, with
 * which a client of TLS 1.2 could keep a server busy.
 */
import * as tls from 'node:tls';
import type { SecureContext, SecureContextOptions } from 'node:tls';
import { constants } from 'node:crypto';
import { QWormholeError } from '../../errors/error.js';
import { groupsFor } from '../post-quantum.js';
import type { TlsIdentity, TlsSettings } from '../tls.js';

const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** The options of a context, which a client and each identity of a server has. */
export function contextOptions(
  settings: TlsSettings,
  identity: TlsIdentity | undefined,
): SecureContextOptions {
  const { minVersion, maxVersion, ca, resumption } = settings;
  return {
    ciphers: CIPHERS,
    ecdhCurve: groupsFor(settings.postQuantum, 'ts').join(':'),
    minVersion,
    maxVersion,
    honorCipherOrder: false,
    // As the other backend: whom ca names is trusted, an authority that another one signed too.
    allowPartialTrustChain: true,
    ca: ca?.map((der) => pem('CERTIFICATE', der)) ?? systemRoots(),
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (resumption ? 0 : constants.SSL_OP_NO_TICKET),
    ...(identity && {
      cert: identity.chain.map((der) => pem('CERTIFICATE', der)).join(''),
      key: pem('PRIVATE KEY', identity.key),
    }),
  };
}

/** A context for an identity of a server, or for a client. */
export function contextFor(settings: TlsSettings, identity: TlsIdentity | undefined): SecureContext {
  return usable(() => tls.createSecureContext(contextOptions(settings, identity)));
}

/** What OpenSSL does not take, such as keys that are too short, as an error of ours. */
export function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const message = `OpenSSL does not take the certificate, key or authorities: ${(cause as Error).message}`;
    throw new QWormholeError('ERR_QW_TLS_CONFIG', message, { cause });
  }
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

type Roots = (kind: 'default' | 'system') => string[];
let roots: string[] | undefined;

/** The system's roots with Node's, where it can read them (22.15, 23.10); else Node's alone. */
function systemRoots(): string[] | undefined {
  const read = (tls as { getCACertificates?: Roots }).getCACertificates;
  if (read === undefined) return undefined;
  return (roots ??= [...new Set([...read('default'), ...read('system')])]);
}
