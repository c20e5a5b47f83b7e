/**
 * The one schema of a HELLO's `meta`, for both backends and both directions: what is not within it is neither
 * sent nor accepted. It is self-declared telemetry, and never an input to trust, batching or limits.
 */
import { z } from 'zod';
import { utf8 } from './bytes.js';
import { protocolFault } from './fault.js';
import { checkMeta } from './meta.js';

const MAX_INTENT = 64;
const MAX_TAGS = 32;
const MAX_TAG = 64;
const MAX_BACKEND = 32;
const MAX_SHARDS = 65_536;

/** Text of at most so many bytes. */
function text(most: number) {
  return z.string().refine((value) => utf8(value).length <= most);
}

const shard = z
  .object({ id: z.int().min(0), of: z.int().min(1).max(MAX_SHARDS) })
  .refine(({ id, of }) => id < of);

/** What a peer says of itself besides what the protocol needs. Keys that are not known are left out. */
export const metaSchema = z.object({
  /** What it runs on. */
  transport: z.object({ native: z.boolean(), backend: text(MAX_BACKEND).min(1) }).optional(),
  /** What it claims to be; a verifier may look at them as at any claim. */
  tags: z.array(text(MAX_TAG).min(1)).max(MAX_TAGS).optional(),
  /** Hash (8 bytes of SHA-256), entropy (bits per byte) and size of a sample. */
  nv: z
    .object({
      hash: z.string().regex(/^[0-9a-f]{16}$/),
      entropy: z.number().min(0).max(8),
      samples: z.int().min(0),
    })
    .optional(),
  /** What it connects for, at most 64 bytes. */
  intent: text(MAX_INTENT).optional(),
  /** Which of how many it is. */
  shard: shard.optional(),
  /** The application's own. */
  app: z.record(z.string(), z.json()).optional(),
});

export type Meta = z.infer<typeof metaSchema>;

/** What a HELLO carries for `meta`. */
export function encodeMeta(meta: Meta): string {
  return checkMeta(utf8(JSON.stringify(checked(meta))));
}

/** What a HELLO's `meta` says; it has been checked to be JSON within the limits. */
export function decodeMeta(json: string): Meta {
  return checked(JSON.parse(json));
}

function checked(value: unknown): Meta {
  const result = metaSchema.safeParse(value);
  if (!result.success) throw protocolFault('meta is not what it should be');
  return result.data;
}
