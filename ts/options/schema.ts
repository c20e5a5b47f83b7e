/** The one schema of each option object. Numbers come from the table, so that page and check agree. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { PROTOCOLS } from '../endpoint.js';
import { BATCHING_MODES } from '../policy/batching.js';
import { integer } from './integer.js';
import { serverQwh, sharedQwh } from './qwh.js';
import { telemetryOptions } from './telemetry.js';
import { clientTls, serverTls } from './tls-schema.js';
import { clientWebSocket, serverWebSocket, sharedWebSocket } from './websocket-schema.js';

/** Long enough for the names of every system; a slash or NUL is in none of them. */
const interfaceName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^/\0]+$/);

/** By shape, since a signal may come from another realm. */
const signal = z.custom<AbortSignal>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    typeof (value as AbortSignal).aborted === 'boolean' &&
    typeof (value as AbortSignal).addEventListener === 'function',
);

/** Of either direction: the names differ in the table only. */
function rate<Name extends 'inboundRate' | 'outboundRate'>(name: Name) {
  return z.strictObject({
    bytesPerSecond: integer(`${name}.bytesPerSecond`).optional(),
    burstBytes: integer(`${name}.burstBytes`).optional(),
    messagesPerSecond: integer(`${name}.messagesPerSecond`).optional(),
    burstMessages: integer(`${name}.burstMessages`).optional(),
    hard: z.boolean().optional(),
  });
}

const batching = z.union([
  z.enum(BATCHING_MODES),
  z.strictObject({
    maxEvents: integer('batching.maxEvents').optional(),
    flushIntervalMs: integer('batching.flushIntervalMs').optional(),
  }),
]);

const heartbeat = z.strictObject({
  intervalMs: integer('heartbeat.intervalMs').optional(),
  timeoutMs: integer('heartbeat.timeoutMs').optional(),
});

const shared = {
  /** Taken apart by `parseEndpoint`, which says more than a schema can. */
  endpoints: z.unknown().optional(),
  protocol: z.enum(PROTOCOLS as ['raw', 'length-prefixed', 'qwh']).optional(),
  /** Checked by `codecFor`. */
  codec: z.unknown().optional(),
  preferNative: z.boolean().optional(),
  forceTs: z.boolean().optional(),
  onNativeFailure: z.enum(['migrate', 'error']).optional(),
  io: z.enum(['auto', 'inline', 'threads']).optional(),
  ioThreads: integer('ioThreads').optional(),
  maxMessage: integer('maxMessage').optional(),
  highWaterMark: integer('highWaterMark').optional(),
  lowWaterMark: integer('lowWaterMark').optional(),
  maxQueued: integer('maxQueued').optional(),
  overflow: z.enum(['drop-newest', 'drop-oldest', 'conflate', 'block', 'close']).optional(),
  flushIntervalMs: integer('flushIntervalMs').optional(),
  batching: batching.optional(),
  concurrency: z.union([z.literal(Infinity), integer('concurrency')]).optional(),
  inboundRate: rate('inboundRate').optional(),
  outboundRate: rate('outboundRate').optional(),
  memoryBudget: integer('memoryBudget').optional(),
  closeTimeoutMs: integer('closeTimeoutMs').optional(),
  heartbeat: z.union([z.literal(false), heartbeat]).optional(),
  idleTimeoutMs: integer('idleTimeoutMs').optional(),
  noDelay: z.boolean().optional(),
  keepAlive: z.union([z.literal(false), integer('keepAlive')]).optional(),
  receiveBufferSize: integer('receiveBufferSize').optional(),
  sendBufferSize: integer('sendBufferSize').optional(),
  notSentLowAt: integer('notSentLowAt').optional(),
  userTimeoutMs: integer('userTimeoutMs').optional(),
  interfaceName: interfaceName.optional(),
  interfaceBinding: z.enum(['device', 'address']).optional(),
  copy: z.boolean().optional(),
  signal: signal.optional(),
  ...telemetryOptions,
  ...sharedWebSocket,
  ...sharedQwh,
};

/** Options of a server, as given. */
export const serverSchema = z.strictObject({
  ...shared,
  maxConnections: integer('maxConnections').optional(),
  maxConnectionsPerAddress: z.union([z.literal(Infinity), integer('maxConnectionsPerAddress')]).optional(),
  preset: z.enum(['lan', 'internet']).optional(),
  backlog: integer('backlog').optional(),
  reusePort: z.boolean().optional(),
  socketMode: integer('socketMode').optional(),
  replaceStaleSocket: z.boolean().optional(),
  ipv6Only: z.boolean().optional(),
  tls: serverTls.optional(),
  ...serverWebSocket,
  ...serverQwh,
});

const reconnect = z.strictObject({
  initial: z.boolean().optional(),
  baseMs: integer('reconnect.baseMs').optional(),
  capMs: integer('reconnect.capMs').optional(),
  maxAttempts: z.union([z.literal(Infinity), integer('reconnect.maxAttempts')]).optional(),
});

const offlineQueue = z.strictObject({
  maxBytes: integer('offlineQueue.maxBytes').optional(),
  maxAgeMs: integer('offlineQueue.maxAgeMs').optional(),
});

/** Options of a client, as given. */
export const clientSchema = z.strictObject({
  ...shared,
  localAddress: z
    .string()
    .refine((text) => isIP(text) !== 0)
    .optional(),
  localPort: integer('localPort').optional(),
  connectTimeoutMs: integer('connectTimeoutMs').optional(),
  reconnect: z.union([z.boolean(), reconnect]).optional(),
  offlineQueue: z.union([z.literal(false), offlineQueue]).optional(),
  tls: clientTls.optional(),
  ...clientWebSocket,
});

/** What the schemas give. */
export type CheckedServerOptions = z.output<typeof serverSchema>;
export type CheckedClientOptions = z.output<typeof clientSchema>;
