/** What the I/O side needs to know of a connection before it has one. */
import type { Adoption, DialSpec, LinkLimits, ListenSpec, Protocol, WebSocketSettings } from '../link.js';
import type { RateLimits } from '../rate.js';
import { encodeHello } from '../../qwh/index.js';
import { withQwh, type QwhListenSettings, type QwhSettings } from '../qwh.js';
import type { CallSpec, PlanSpec, QwhSpec, RatesSpec, WebSocketSpec } from './binding.js';

/** For the connections of a listener. */
export function listenPlan({ protocol, limits, ws, qwh }: ListenSpec): PlanSpec {
  const plan = { ...planOf(protocol, limits), ...(qwh && { qwh: listenQwhOf(qwh) }) };
  if (ws === undefined) return plan;
  const { maxPendingHandshakes } = ws;
  return { ...plan, ws: { ...webSocketOf(ws), maxPendingHandshakes } };
}

/** For a call that has `leftMs` for its handshakes. */
export function dialPlan({ protocol, limits, ws, qwh }: DialSpec, leftMs: number): PlanSpec {
  const plan = {
    ...planOf(protocol, limits),
    openingTimeoutMs: leftMs,
    ...(qwh && { qwh: { ...qwhOf(qwh, true), handshakeTimeoutMs: leftMs } }),
  };
  if (ws === undefined) return plan;
  const { target, authority } = ws;
  const subprotocols = qwh === undefined ? [...ws.subprotocols] : withQwh(ws.subprotocols);
  const call: CallSpec = { target, authority, headers: [...ws.headers], subprotocols };
  const handshakeTimeoutMs = Math.min(ws.handshakeTimeoutMs, leftMs);
  // Records are not compressed.
  const settings = qwh === undefined ? ws : { ...ws, deflate: false as const };
  return { ...plan, ws: { ...webSocketOf(settings), handshakeTimeoutMs, call } };
}

/** For a connection that was let in by others. */
export function adoptPlan({ limits, ws }: Adoption): PlanSpec {
  return { ...planOf('raw', limits), ws: webSocketOf(ws) };
}

function listenQwhOf(qwh: QwhListenSettings): QwhSpec {
  const { isRequired, maxPendingHandshakes, maxPendingPerAddress: most } = qwh;
  const maxPendingPerAddress = most === Infinity ? undefined : most;
  return { ...qwhOf(qwh, false), isRequired, maxPendingHandshakes, maxPendingPerAddress };
}

function qwhOf(qwh: QwhSettings, initiates: boolean): QwhSpec {
  const { hello, handshakeTimeoutMs, maxFragments, controlBurst, controlPerSecond } = qwh;
  return {
    initiates,
    hello: encodeHello(hello, initiates),
    handshakeTimeoutMs,
    maxFragments,
    controlBurst,
    controlPerSecond,
    isRequired: false,
    maxPendingHandshakes: 1,
  };
}

function planOf(protocol: Protocol, limits: LinkLimits): PlanSpec {
  const { maxMessage, memoryBudget, closeTimeoutMs, heartbeat, inbound, outbound } = limits;
  const plan = { protocol, maxMessage, memoryBudget, closeTimeoutMs, heartbeat };
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
