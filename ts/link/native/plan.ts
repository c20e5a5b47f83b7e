/** What the I/O side needs to know of a connection before it has one. */
import type { Adoption, DialSpec, LinkLimits, ListenSpec, Protocol, WebSocketSettings } from '../link.js';
import type { RateLimits } from '../rate.js';
import type { CallSpec, PlanSpec, RatesSpec, WebSocketSpec } from './binding.js';

/** For the connections of a listener. */
export function listenPlan({ protocol, limits, ws }: ListenSpec): PlanSpec {
  if (ws === undefined) return planOf(protocol, limits);
  const { maxPendingHandshakes } = ws;
  return { ...planOf(protocol, limits), ws: { ...webSocketOf(ws), maxPendingHandshakes } };
}

/** For a call that has `leftMs` for its handshakes. */
export function dialPlan({ protocol, limits, ws }: DialSpec, leftMs: number): PlanSpec {
  const plan = { ...planOf(protocol, limits), openingTimeoutMs: leftMs };
  if (ws === undefined) return plan;
  const { target, authority } = ws;
  const call: CallSpec = { target, authority, headers: [...ws.headers], subprotocols: [...ws.subprotocols] };
  const handshakeTimeoutMs = Math.min(ws.handshakeTimeoutMs, leftMs);
  return { ...plan, ws: { ...webSocketOf(ws), handshakeTimeoutMs, call } };
}

/** For a connection that was let in by others. */
export function adoptPlan({ limits, ws }: Adoption): PlanSpec {
  return { ...planOf('raw', limits), ws: webSocketOf(ws) };
}

function planOf(protocol: Protocol, limits: LinkLimits): PlanSpec {
  const { maxMessage, memoryBudget, closeTimeoutMs, inbound, outbound } = limits;
  const plan = { protocol, maxMessage, memoryBudget, closeTimeoutMs };
  return { ...plan, inbound: inbound && ratesOf(inbound), outbound: outbound && ratesOf(outbound) };
}

function ratesOf({ bytes, messages, isHard }: RateLimits): RatesSpec {
  return {
    bytesPerSecond: bytes?.perSecond,
    burstBytes: bytes?.burst,
    messagesPerSecond: messages?.perSecond,
    burstMessages: messages?.burst,
    isHard,
  };
}

function webSocketOf(ws: WebSocketSettings): WebSocketSpec {
  const { handshakeTimeoutMs, maxHeaderBytes, maxHeaders, maxFragments, controlBurst, controlPerSecond } = ws;
  return {
    deflate: ws.deflate === false ? undefined : { ...ws.deflate },
    handshakeTimeoutMs,
    maxHeaderBytes,
    maxHeaders,
    maxFragments,
    controlBurst,
    controlPerSecond,
  };
}
