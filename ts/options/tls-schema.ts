/** The parts of the schema that are about TLS. */
import { z } from 'zod';
import { parseFingerprint } from '../tls/fingerprint.js';
import type { SniCallback, VerifyPeer } from '../tls/types.js';
import { integer } from './integer.js';

/** A name in ALPN has one byte for its length. */
const MAX_ALPN_BYTES = 255;

const bytes = z.union([z.string().min(1), z.instanceof(Uint8Array)]);
const material = z.union([bytes, z.array(bytes).min(1)]);
const path = z.string().min(1);
const version = z.enum(['TLSv1.2', 'TLSv1.3']);
const fingerprints = z.array(z.string().refine((text) => parseFingerprint(text) !== undefined));

const alpn = z
  .array(
    z
      .string()
      .min(1)
      .refine((name) => Buffer.byteLength(name) <= MAX_ALPN_BYTES),
  )
  .max(64)
  .refine((names) => new Set(names).size === names.length);

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

const identityFields = {
  cert: material.optional(),
  certPath: path.optional(),
  key: bytes.optional(),
  keyPath: path.optional(),
  passphrase: z.string().optional(),
};

/** What `identities` lists and `sniCallback` gives. */
export const identitySchema = z.strictObject({
  ...identityFields,
  names: z.array(z.string().min(1)).optional(),
});

const shared = {
  ...identityFields,
  ca: material.optional(),
  caPath: path.optional(),
  rejectUnauthorized: z.boolean().optional(),
  minVersion: version.optional(),
  maxVersion: version.optional(),
  alpn: alpn.optional(),
  pins: fingerprints.optional(),
  revoked: fingerprints.optional(),
  verify: z.custom<VerifyPeer>(isFunction).optional(),
  postQuantum: z.enum(['off', 'prefer', 'require']).optional(),
  sessionResumption: z.boolean().optional(),
  handshakeTimeoutMs: integer('tls.handshakeTimeoutMs').optional(),
};

/** The option `tls` of a server. */
export const serverTls = z.strictObject({
  ...shared,
  requestCert: z.boolean().optional(),
  maxPendingHandshakes: integer('tls.maxPendingHandshakes').optional(),
  identities: z.array(identitySchema).optional(),
  sniCallback: z.custom<SniCallback>(isFunction).optional(),
  watch: z.boolean().optional(),
});

/** The option `tls` of a client. */
export const clientTls = z.strictObject({ ...shared, servername: z.string().max(253).optional() });

export type CheckedServerTls = z.output<typeof serverTls>;
export type CheckedClientTls = z.output<typeof clientTls>;
export type CheckedTls = CheckedServerTls | CheckedClientTls;
