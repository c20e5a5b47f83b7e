/** Settings in the words of the seam. */
import { isSecure, isWebSocket } from '../link/carriers.js';
import { isPath } from '../link/place.js';
import type { DialSpec, LinkLimits, ListenSpec, SocketSettings } from '../link/link.js';
import type { TlsDialSettings, TlsListenSettings } from '../link/tls.js';
import { coalescing } from '../policy/batching.js';
import { dialAddress, listenAddress } from './interface-address.js';
import type { ClientSettings, ServerSettings, SettledEndpoint, SharedSettings } from './settings.js';
import type { QwhListenSettings, QwhSettings } from '../link/qwh.js';
import { toDialWebSocket, toListenWebSocket } from './websocket.js';

/** Bounds of one link. */
export function toLimits(settings: SharedSettings): LinkLimits {
  const { maxMessage, highWaterMark, lowWaterMark, maxQueued, closeTimeoutMs, memoryBudget } = settings;
  const { inboundRate, outboundRate, heartbeat, flushIntervalMs } = settings;
  const streams = coalescing(settings.batching, flushIntervalMs);
  return Object.freeze({
    maxMessage,
    highWaterMark,
    lowWaterMark,
    maxQueued,
    closeTimeoutMs,
    memoryBudget,
    heartbeat,
    flushIntervalMs,
    ...(streams && { coalescing: streams }),
    inbound: inboundRate,
    // A hard one is a matter of `send`.
    outbound: outboundRate?.isHard ? undefined : outboundRate,
  });
}

/** Socket options; binding by address is not among them, it is a matter of the address. */
export function toSocketSettings(settings: SharedSettings): SocketSettings {
  const { noDelay, keepAlive, receiveBufferSize, sendBufferSize, notSentLowAt, userTimeoutMs } = settings;
  return Object.freeze({
    noDelay,
    keepAliveMs: keepAlive === false ? 0 : keepAlive,
    receiveBufferSize,
    sendBufferSize,
    notSentLowAt,
    userTimeoutMs,
    interfaceName: settings.interfaceBinding === 'device' ? settings.interfaceName : undefined,
  });
}

/** Where and how to listen, for one endpoint. Throws `ERR_QW_ADDRESS_UNAVAILABLE` for an interface without address. */
export function toListenSpec(
  settings: ServerSettings,
  endpoint: SettledEndpoint,
  tls?: TlsListenSettings,
  qwh?: QwhListenSettings,
): ListenSpec {
  const { interfaceName, interfaceBinding, backlog, reusePort, ipv6Only } = settings;
  const byAddress = interfaceName !== undefined && interfaceBinding === 'address' && !isPath(endpoint.host);
  return {
    host: byAddress ? listenAddress(interfaceName, endpoint.host) : endpoint.host,
    port: endpoint.port,
    protocol: endpoint.protocol,
    backlog,
    reusePort,
    ipv6Only,
    limits: toLimits(settings),
    socket: toSocketSettings(settings),
    ...(isWebSocket(endpoint.scheme) && { ws: toListenWebSocket(settings) }),
    ...(isSecure(endpoint.scheme) && { tls }),
    ...(endpoint.protocol === 'qwh' && { qwh: qwh && boundsAt(endpoint.host, qwh) }),
  };
}

/** Who calls over a Unix socket or a pipe has no address: nobody is one of many behind one. */
function boundsAt(host: string, qwh: QwhListenSettings): QwhListenSettings {
  return isPath(host) ? { ...qwh, maxPendingPerAddress: Infinity } : qwh;
}

/** Whom and how to call, for one endpoint. Throws `ERR_QW_ADDRESS_UNAVAILABLE` for an interface without address. */
export function toDialSpec(
  settings: ClientSettings,
  endpoint: SettledEndpoint,
  tls?: TlsDialSettings,
  qwh?: QwhSettings,
): DialSpec {
  const { interfaceName, interfaceBinding, localAddress, localPort, connectTimeoutMs } = settings;
  const byAddress = interfaceName !== undefined && interfaceBinding === 'address' && !isPath(endpoint.host);
  return {
    host: endpoint.host,
    port: endpoint.port,
    protocol: endpoint.protocol,
    localAddress: byAddress ? dialAddress(interfaceName, endpoint.host) : localAddress,
    localPort: localPort === 0 ? undefined : localPort,
    connectTimeoutMs,
    limits: toLimits(settings),
    socket: toSocketSettings(settings),
    ...(isWebSocket(endpoint.scheme) && { ws: toDialWebSocket(settings, endpoint) }),
    ...(isSecure(endpoint.scheme) && { tls }),
    ...(endpoint.protocol === 'qwh' && { qwh }),
  };
}
