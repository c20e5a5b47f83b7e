/** The parts of the schema that are about WebSocket. */
import type { Agent } from 'node:http';
import { z } from 'zod';
import type { Authorize } from '../policy/upgrade-authorize.js';
import type { SubprotocolChoice } from '../policy/upgrade-subprotocol.js';
import { integer } from './integer.js';

/** What names of headers and subprotocols are made of. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What a header may hold: no line end, which would begin another header. */
const FIELD_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
/** As browsers write it: no path, no slash at the end. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\A-Z]+$/;
/** Headers that the handshake writes itself. */
const OWN = /^(host|connection|upgrade|content-length|transfer-encoding|sec-websocket-.*)$/i;

const subprotocols = z
  .array(z.string().regex(TOKEN))
  .max(64)
  .refine((names) => new Set(names).size === names.length);

const deflate = z.strictObject({
  threshold: integer('deflate.threshold').optional(),
  level: integer('deflate.level').optional(),
  serverNoContextTakeover: z.boolean().optional(),
  clientNoContextTakeover: z.boolean().optional(),
  serverMaxWindowBits: integer('deflate.serverMaxWindowBits').optional(),
  clientMaxWindowBits: integer('deflate.clientMaxWindowBits').optional(),
});

const fieldValue = z.string().regex(FIELD_VALUE);

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** By shape, since there are agents of many makers. */
function isAgent(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && isFunction((value as { addRequest?: unknown }).addRequest)
  );
}

/** Of servers and clients. */
export const sharedWebSocket = {
  deflate: z.union([z.boolean(), deflate]).optional(),
  maxHeaderBytes: integer('maxHeaderBytes').optional(),
  maxHeaders: integer('maxHeaders').optional(),
  maxFragments: integer('maxFragments').optional(),
  controlBurst: integer('controlBurst').optional(),
  controlPerSecond: integer('controlPerSecond').optional(),
};

/** Of servers. */
export const serverWebSocket = {
  subprotocols: z.union([subprotocols, z.custom<SubprotocolChoice>(isFunction)]).optional(),
  origins: z.union([z.literal('*'), z.array(z.string().regex(ORIGIN))]).optional(),
  requireOrigin: z.boolean().optional(),
  authorize: z.custom<Authorize>(isFunction).optional(),
  handshakeTimeoutMs: integer('handshakeTimeoutMs').optional(),
  maxPendingHandshakes: integer('maxPendingHandshakes').optional(),
  maxTopics: integer('maxTopics').optional(),
};

/** Of clients. */
export const clientWebSocket = {
  subprotocols: subprotocols.optional(),
  headers: z
    .record(
      z
        .string()
        .regex(TOKEN)
        .refine((name) => !OWN.test(name)),
      z.union([fieldValue, z.array(fieldValue)]),
    )
    .optional(),
  maxRedirects: integer('maxRedirects').optional(),
  agent: z.custom<Agent>(isAgent).optional(),
};
