/** From what users give to what the library uses: checks, defaults, and the rules between options. */
import { codecFor, isRawCodec } from '../codec/builtin.js';
import type { Codec, CodecOption } from '../codec/codec.js';
import {
  formatEndpoint,
  parseEndpoint,
  type EndpointInput,
  type EndpointUse,
  type Scheme,
} from '../endpoint.js';
import { groupEndpoints } from '../endpoint-groups.js';
import { isWebSocket } from '../link/carriers.js';
import type { Protocol } from '../link/link.js';
import { checkOptions, invalidOption } from './check.js';
import {
  clientSchema,
  serverSchema,
  type CheckedClientOptions,
  type CheckedServerOptions,
} from './schema.js';
import { resolvePreset } from './preset.js';
import { resolveHeartbeat } from './heartbeat.js';
import { resolveRate } from './rate.js';
import { takeSources } from './sources.js';
import type {
  ClientSettings,
  OfflineQueueSettings,
  ReconnectSettings,
  ServerSettings,
  SettledEndpoint,
  SharedSettings,
} from './settings.js';
import { resolveHandshake, resolveQwh } from './qwh.js';
import { OPTION_TABLE as T } from './table.js';
import { resolveTelemetry } from './telemetry.js';
import type { ClientOptions, ServerOptions } from './types.js';
import { resolveClientWebSocket, resolveServerWebSocket, resolveWebSocket } from './websocket.js';

/** Default watermarks are at most this part of the bound above them, so that lowering a bound lowers them. */
const WATERMARK_PART = 4;

const NO_ENDPOINTS: readonly SettledEndpoint[] = Object.freeze([]);

type CheckedOptions = CheckedServerOptions | CheckedClientOptions;

/** Checks a server's options and decides every one; throws `ERR_QW_OPTION_…` and `ERR_QW_ENDPOINT_INVALID`. */
export function resolveServerOptions(options: ServerOptions): ServerSettings {
  const given = checkOptions(serverSchema, 'server', options);
  return Object.freeze({
    ...resolveShared(given, resolveEndpoints(given.endpoints, 'listen', protocolOf(given))),
    maxConnections: given.maxConnections ?? T.maxConnections.default,
    backlog: given.backlog ?? T.backlog.default,
    reusePort: given.reusePort ?? T.reusePort.default,
    socketMode: given.socketMode,
    replaceStaleSocket: given.replaceStaleSocket ?? T.replaceStaleSocket.default,
    ipv6Only: given.ipv6Only ?? T.ipv6Only.default,
    tls: given.tls,
    ...resolveServerWebSocket(given),
    ...resolvePreset(given),
    handshake: resolveHandshake(given),
  });
}

/** Checks a client's options and decides every one; throws `ERR_QW_OPTION_…` and `ERR_QW_ENDPOINT_INVALID`. */
export function resolveClientOptions(options: ClientOptions): ClientSettings {
  const { rest, sources } = takeSources(options);
  const given = checkOptions(clientSchema, 'client', rest);
  if (given.localAddress !== undefined && given.interfaceBinding === 'address') {
    throw invalidOption(
      'localAddress',
      given.localAddress,
      "excludes interfaceBinding 'address', which chooses it",
    );
  }
  const protocol = protocolOf(given);
  const endpoints =
    sources.endpoints === undefined ? resolveEndpoints(given.endpoints, 'connect', protocol) : NO_ENDPOINTS;
  const shared = resolveShared(given, endpoints);
  checkAgent(given.agent, endpoints);
  checkDeflate(shared.deflate, endpoints);
  return Object.freeze({
    ...shared,
    protocol,
    sources,
    localAddress: given.localAddress,
    localPort: given.localPort ?? T.localPort.default,
    connectTimeoutMs: given.connectTimeoutMs ?? T.connectTimeoutMs.default,
    reconnect: resolveReconnect(given.reconnect),
    offlineQueue: resolveOfflineQueue(given.offlineQueue),
    tls: given.tls,
    ...resolveClientWebSocket(given),
  });
}

/**
 * Endpoints that a client was given for one attempt, with their protocols decided. Throws
 * `ERR_QW_ENDPOINT_INVALID` and `ERR_QW_OPTION_INVALID`.
 */
export function settleEndpoints(
  { protocol, codec, agent, deflate }: ClientSettings,
  given: EndpointInput | readonly EndpointInput[],
): readonly SettledEndpoint[] {
  const endpoints = resolveEndpoints(given, 'connect', protocol);
  checkCodec(codec, endpoints, codec.name);
  checkAgent(agent, endpoints);
  checkDeflate(deflate, endpoints);
  return endpoints;
}

function protocolOf({ protocol }: CheckedOptions): Protocol {
  return protocol ?? T.protocol.default;
}

function checkAgent(agent: unknown, endpoints: readonly SettledEndpoint[]): void {
  if (agent !== undefined && endpoints.some(({ scheme }) => scheme === 'wss'))
    throw invalidOption('agent', agent, 'makes sockets for ws:// only: TLS is made here');
}

/** A client's: a server of qwh has clients of raw too. */
function checkDeflate(deflate: unknown, endpoints: readonly SettledEndpoint[]): void {
  const isVoid = endpoints.some(({ scheme, protocol }) => isWebSocket(scheme) && protocol === 'qwh');
  if (deflate !== false && isVoid)
    throw invalidOption('deflate', deflate, "needs protocol 'raw': records of qwh are not compressed");
}

function checkCodec(codec: Codec, endpoints: readonly SettledEndpoint[], given: unknown): void {
  const hasChunks = endpoints.some(({ scheme, protocol }) => !isWebSocket(scheme) && protocol === 'raw');
  if (!hasChunks || isRawCodec(codec)) return;
  const why = "must be 'buffer' or 'text' with protocol raw on TCP, whose chunks are not messages";
  throw invalidOption('codec', given, why);
}

function resolveShared(given: CheckedOptions, endpoints: readonly SettledEndpoint[]): SharedSettings {
  if (given.interfaceBinding === 'address' && given.interfaceName === undefined) {
    throw invalidOption('interfaceBinding', 'address', 'needs interfaceName');
  }
  if (given.io === 'inline' && (given.ioThreads ?? 1) > 1)
    throw invalidOption('ioThreads', given.ioThreads, "contradicts io: 'inline'");
  const codec = codecFor(given.codec === undefined ? T.codec.default : (given.codec as CodecOption));
  checkCodec(codec, endpoints, given.codec);
  return {
    endpoints,
    protocol: protocolOf(given),
    codec,
    preferNative: given.preferNative ?? T.preferNative.default,
    forceTs: given.forceTs ?? T.forceTs.default,
    onNativeFailure: given.onNativeFailure,
    io: given.io,
    ioThreads: given.ioThreads ?? T.ioThreads.default,
    maxMessage: given.maxMessage ?? T.maxMessage.default,
    ...resolveWatermarks(given),
    overflow: given.overflow ?? T.overflow.default,
    ...resolveBatching(given),
    concurrency: given.concurrency ?? Infinity,
    inboundRate: resolveRate('inboundRate', given.inboundRate),
    outboundRate: resolveRate('outboundRate', given.outboundRate),
    memoryBudget: given.memoryBudget ?? T.memoryBudget.default,
    closeTimeoutMs: given.closeTimeoutMs ?? T.closeTimeoutMs.default,
    heartbeat: resolveHeartbeat(given.heartbeat),
    idleTimeoutMs: given.idleTimeoutMs,
    ...resolveSocket(given),
    copy: given.copy ?? T.copy.default,
    signal: given.signal,
    ...resolveTelemetry(given),
    ...resolveWebSocket(given),
    ...resolveQwh(given),
  };
}

function resolveBatching({ batching = T.batching.default, flushIntervalMs }: CheckedOptions) {
  const forced = typeof batching === 'object' ? batching.flushIntervalMs : undefined;
  return { batching, flushIntervalMs: forced ?? flushIntervalMs ?? T.flushIntervalMs.default };
}

function resolveSocket(given: CheckedOptions) {
  return {
    noDelay: given.noDelay ?? T.noDelay.default,
    keepAlive: given.keepAlive ?? T.keepAlive.default,
    receiveBufferSize: given.receiveBufferSize,
    sendBufferSize: given.sendBufferSize,
    notSentLowAt: given.notSentLowAt,
    userTimeoutMs: given.userTimeoutMs,
    interfaceName: given.interfaceName,
    interfaceBinding: given.interfaceBinding ?? T.interfaceBinding.default,
  };
}

function resolveEndpoints(given: unknown, use: EndpointUse, fallback: Protocol): readonly SettledEndpoint[] {
  const list = (Array.isArray(given) ? given : [given]) as EndpointInput[];
  // A server without endpoints of its own may be attached to others.
  if (given === undefined || (list.length === 0 && use === 'connect'))
    throw invalidOption('endpoints', given);
  const endpoints = Object.freeze(
    list.map((input) => {
      const endpoint = parseEndpoint(input, use);
      const { protocol = protocolOn(endpoint.scheme, fallback) } = endpoint;
      return Object.freeze({ ...endpoint, protocol });
    }),
  );
  const twice = use === 'listen' ? groupEndpoints(endpoints) : [];
  if (typeof twice === 'number') {
    throw invalidOption('endpoints', formatEndpoint(endpoints[twice]), 'has the same endpoint twice');
  }
  return endpoints;
}

/** A WebSocket has messages of its own, whatever is said about TCP. */
export function protocolOn(scheme: Scheme, protocol: Protocol): Protocol {
  return isWebSocket(scheme) && protocol !== 'qwh' ? 'raw' : protocol;
}

function resolveWatermarks(given: CheckedOptions) {
  const maxQueued = given.maxQueued ?? T.maxQueued.default;
  const highWaterMark =
    given.highWaterMark ?? Math.min(T.highWaterMark.default, Math.ceil(maxQueued / WATERMARK_PART));
  if (highWaterMark > maxQueued) {
    throw invalidOption('highWaterMark', highWaterMark, `must be at most maxQueued, ${maxQueued} (bytes)`);
  }
  const lowWaterMark =
    given.lowWaterMark ?? Math.min(T.lowWaterMark.default, Math.floor(highWaterMark / WATERMARK_PART));
  if (lowWaterMark > highWaterMark) {
    throw invalidOption(
      'lowWaterMark',
      lowWaterMark,
      `must be at most highWaterMark, ${highWaterMark} (bytes)`,
    );
  }
  return { highWaterMark, lowWaterMark, maxQueued };
}

function resolveReconnect(given: CheckedClientOptions['reconnect']): ReconnectSettings | false {
  if (given === false) return false;
  const { initial, baseMs, capMs, maxAttempts } = typeof given === 'object' ? given : {};
  const base = baseMs ?? T['reconnect.baseMs'].default;
  const cap = capMs ?? Math.max(T['reconnect.capMs'].default, base);
  if (cap < base)
    throw invalidOption('reconnect.capMs', cap, `must be at least reconnect.baseMs, ${base} (ms)`);
  return Object.freeze({
    initial: initial ?? T['reconnect.initial'].default,
    baseMs: base,
    capMs: cap,
    maxAttempts: maxAttempts ?? Infinity,
  });
}

function resolveOfflineQueue(given: CheckedClientOptions['offlineQueue']): OfflineQueueSettings | false {
  if (given === false) return false;
  return Object.freeze({
    maxBytes: given?.maxBytes ?? T['offlineQueue.maxBytes'].default,
    maxAgeMs: given?.maxAgeMs ?? T['offlineQueue.maxAgeMs'].default,
  });
}
