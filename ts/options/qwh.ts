/** The options of QWH/1: their checks and defaults. */
import { z } from 'zod';
import type { HandshakeMeta, VerifyHandshake } from '../policy/handshake.js';
import { isTraceparent } from '../policy/traceparent.js';
import {
  FIRST_CAP_OF_APPLICATION,
  MAX_EXTENSIONS,
  MAX_EXTENSION_BYTES,
  MAX_HELLO,
  encodeMeta,
  metaSchema,
} from '../qwh/index.js';
import { invalidOption } from './check.js';

/** Bits from the first of the application's to 63. */
const OF_APPLICATION = ((1n << 64n) - 1n) ^ ((1n << BigInt(FIRST_CAP_OF_APPLICATION)) - 1n);

const caps = z.bigint().refine((bits) => bits >= 0n && (bits & ~OF_APPLICATION) === 0n);

const metaOption = z.strictObject(metaSchema.shape).omit({ transport: true, nv: true });

/** A part of a HELLO that the protocol does not know. */
export interface HandshakeExtension {
  /** A reverse domain name: letters, digits, `.`, `-` and `_`, at most 255. */
  readonly name: string;
  /** Any bytes. */
  readonly value: Uint8Array;
  /** Without an extension of this name at the other end there is no connection. Default: false. */
  readonly required?: boolean;
}

/** What a HELLO has beside meta and extensions, and the frames of these: codec, capabilities, limits, session, trace. */
const REST_OF_HELLO = 256;

/** The longest that is added to `meta`. */
const ADDED = {
  transport: { native: false, backend: 'rust' },
  nv: { hash: '0123456789abcdef', entropy: 7.999999, samples: 65_536 },
};

const extension = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9._-]{1,255}$/),
  value: z.instanceof(Uint8Array),
  required: z.boolean().optional(),
});

const extensions = z
  .array(extension)
  .max(MAX_EXTENSIONS)
  .refine((list) => new Set(list.map(({ name }) => name)).size === list.length)
  .refine((list) => bytesOf(list) <= MAX_EXTENSION_BYTES);

/** As they count towards their bound. */
function bytesOf(list: readonly HandshakeExtension[]): number {
  return list.reduce((sum, { name, value }) => sum + 1 + name.length + value.length, 0);
}

/** Of servers and clients. */
export const sharedQwh = {
  verifyHandshake: z.custom<VerifyHandshake>((value) => typeof value === 'function').optional(),
  offeredCaps: caps.optional(),
  requiredCaps: caps.optional(),
  meta: metaOption.optional(),
  trace: z.string().refine(isTraceparent).optional(),
  extensions: extensions.optional(),
};

/** Of servers. */
export const serverQwh = { handshake: z.enum(['required', 'optional', 'off']).optional() };

/** Whether peers of other protocols may connect. */
export type HandshakeMode = 'required' | 'optional' | 'off';

interface Given {
  readonly verifyHandshake?: VerifyHandshake;
  readonly offeredCaps?: bigint;
  readonly requiredCaps?: bigint;
  readonly meta?: HandshakeMeta;
  readonly trace?: string;
  readonly extensions?: readonly HandshakeExtension[];
}

/** Of servers and clients. */
export function resolveQwh(given: Given) {
  const { verifyHandshake, offeredCaps = 0n, requiredCaps = 0n, meta = {}, trace } = given;
  if ((requiredCaps & ~offeredCaps) !== 0n) throw invalidOption('requiredCaps', requiredCaps);
  // A copy: bytes that a program goes on to change would not be those that were checked.
  const own = given.extensions?.map((each) => ({ ...each, value: each.value.slice() })) ?? [];
  checkMetaSize(meta, own);
  return { verifyHandshake, offeredCaps, requiredCaps, meta, trace, extensions: own };
}

/** Throws `ERR_QW_OPTION_INVALID` for a `meta` that does not fit into a HELLO with all that goes there besides. */
export function checkMetaSize(meta: HandshakeMeta, beside: readonly HandshakeExtension[]): void {
  let size: number;
  try {
    size = Buffer.byteLength(encodeMeta({ ...ADDED, ...meta }));
  } catch {
    throw invalidOption('meta', meta);
  }
  if (size + bytesOf(beside) > MAX_HELLO - REST_OF_HELLO)
    throw invalidOption('extensions', beside, 'must fit into 8 KiB together with meta');
}

/** Of servers: whoever has conditions wants to see them met. */
export function resolveHandshake(given: Given & { readonly handshake?: HandshakeMode }): HandshakeMode {
  const { handshake, verifyHandshake, requiredCaps = 0n } = given;
  const needsExtensions = given.extensions?.some(({ required }) => required) === true;
  const hasConditions = verifyHandshake !== undefined || requiredCaps !== 0n || needsExtensions;
  const why = "must be 'required' with verifyHandshake, requiredCaps or extensions that are required";
  if (handshake !== undefined && handshake !== 'required' && hasConditions)
    throw invalidOption('handshake', handshake, why);
  return handshake ?? (hasConditions ? 'required' : 'optional');
}
