/** The options of QWH/1: their checks and defaults. */
import { z } from 'zod';
import type { HandshakeMeta, VerifyHandshake } from '../policy/handshake.js';
import { FIRST_CAP_OF_APPLICATION, encodeMeta, metaSchema } from '../qwh/index.js';
import { invalidOption } from './check.js';

/** Bits from the first of the application's to 63. */
const OF_APPLICATION = ((1n << 64n) - 1n) ^ ((1n << BigInt(FIRST_CAP_OF_APPLICATION)) - 1n);

const caps = z.bigint().refine((bits) => bits >= 0n && (bits & ~OF_APPLICATION) === 0n);

const metaOption = z.strictObject(metaSchema.shape).omit({ transport: true, nv: true });

/** Of servers and clients. */
export const sharedQwh = {
  verifyHandshake: z.custom<VerifyHandshake>((value) => typeof value === 'function').optional(),
  offeredCaps: caps.optional(),
  requiredCaps: caps.optional(),
  meta: metaOption.optional(),
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
}

/** Of servers and clients. */
export function resolveQwh({ verifyHandshake, offeredCaps = 0n, requiredCaps = 0n, meta = {} }: Given) {
  if ((requiredCaps & ~offeredCaps) !== 0n) throw invalidOption('requiredCaps', requiredCaps);
  try {
    encodeMeta(meta);
  } catch {
    throw invalidOption('meta', meta);
  }
  return { verifyHandshake, offeredCaps, requiredCaps, meta };
}

/** Of servers: whoever has conditions wants to see them met. */
export function resolveHandshake(given: Given & { readonly handshake?: HandshakeMode }): HandshakeMode {
  const { handshake, verifyHandshake, requiredCaps = 0n } = given;
  const hasConditions = verifyHandshake !== undefined || requiredCaps !== 0n;
  if (handshake !== undefined && handshake !== 'required' && hasConditions)
    throw invalidOption('handshake', handshake, "must be 'required' with verifyHandshake or requiredCaps");
  return handshake ?? (hasConditions ? 'required' : 'optional');
}
