/**
 * What QWH/1 makes of an input, as JSON: for the vectors, and to be compared with Rust's.
 * `tests/support/qwh.rs` is the twin.
 */
import { CloseCode } from 'qwormhole';
import { qwh } from 'qwormhole/internal';

export interface Request {
  readonly op: string;
  readonly bytes?: string;
  readonly initiator?: boolean | string;
  readonly responder?: string;
  readonly side?: qwh.Side;
  readonly carrier?: qwh.Carrier;
  readonly hello?: string;
  readonly exporter?: string;
  readonly route?: string;
  readonly steps?: readonly Step[];
  readonly maxMessage?: number;
  readonly maxFragments?: number;
  readonly controlBurst?: number;
  readonly recordRest?: number;
  readonly first?: string;
  readonly chunks?: readonly string[];
  readonly queues?: readonly (readonly number[])[];
  readonly ping?: number;
  readonly goaway?: string;
}

export type Step = 'accept' | 'timeout' | readonly [number, string, number] | { readonly receive: string };

const OPS: Record<string, (request: Request) => unknown> = {
  preamble,
  answer: ({ bytes }) => qwh.parseAnswer(unhex(bytes)) ?? null,
  hello,
  negotiate: negotiation,
  handshake,
  records,
  schedule: (request) => fragments(request).map((part) => [part.class, part.from, part.to]),
  pack,
};

/** The answer to a request. */
export function verdict(request: Request): unknown {
  try {
    return OPS[request.op](request);
  } catch (error) {
    if (error instanceof qwh.Fault) return { fault: faultValue(error) };
    throw error;
  }
}

function preamble({ bytes }: Request) {
  const parsed = qwh.parsePreamble(unhex(bytes));
  const { security, versions, route } = parsed;
  const encoded = hex(qwh.encodePreamble(parsed));
  return { security, versions: [versions.min, versions.max], route: route ?? null, encoded };
}

function hello({ bytes, initiator }: Request) {
  const fromInitiator = initiator === true;
  const parsed = qwh.parseHello(unhex(bytes), fromInitiator);
  return { ...helloValue(parsed), encoded: hex(qwh.encodeHello(parsed, fromInitiator)) };
}

function negotiation({ initiator, responder }: Request) {
  const one = qwh.parseHello(unhex(initiator as string), true);
  const other = qwh.parseHello(unhex(responder), false);
  return agreementValue(qwh.negotiate(one, other));
}

function handshake(request: Request) {
  const { side = 'responder', carrier = 'stream', exporter, route, steps = [] } = request;
  const machine = new qwh.Handshake({
    side,
    carrier,
    hello: qwh.parseHello(unhex(request.hello), side === 'initiator'),
    exporter: exporter === undefined ? undefined : unhex(exporter),
    route,
  });
  const log: unknown[] = [];
  drain(machine, log);
  for (const step of steps) {
    if (step === 'accept') machine.accept();
    else if (step === 'timeout') machine.timeOut();
    else if ('receive' in step) {
      const received = unhex(step.receive);
      const taken = machine.receive(received);
      if (taken < received.length) log.push({ left: received.length - taken });
    } else machine.refuse(step[0], step[1], step[2]);
    drain(machine, log);
  }
  return log;
}

function drain(machine: qwh.Handshake, log: unknown[]): void {
  for (let event = machine.nextEvent(); event; event = machine.nextEvent()) log.push(eventValue(event));
}

function eventValue(event: qwh.HandshakeEvent) {
  switch (event.type) {
    case 'send':
      return { send: hex(event.bytes) };
    case 'verify':
      return { verify: peerValue(event.peer) };
    case 'ready':
      return { ready: event.recordRest };
    case 'failed': {
      // The misfit is the HELLO that came, which has vectors of its own.
      const { code, reason, origin, retryAfterMs } = event.failure;
      return { failed: { code, reason, origin, retryAfterMs } };
    }
  }
}

function records(request: Request) {
  const { carrier = 'stream', recordRest = 0, first = '', chunks = [] } = request;
  const { maxMessage = 1000, maxFragments = 5, controlBurst = 8 } = request;
  const decoder = new qwh.Decoder({
    carrier,
    limits: { maxMessage, maxFragments, controlBurst, controlPerSecond: 0 },
    recordRest,
    view: Uint8Array,
    now: () => 0,
  });
  const messages: string[] = [];
  for (const chunk of [...(first === '' ? [] : [first]), ...chunks]) {
    // Each in memory of its own, as it would come from a socket.
    decoder.push(unhex(chunk));
    for (let message = decoder.next(); message; message = decoder.next()) messages.push(hex(message));
  }
  const replies = decoder.takeReplies();
  return {
    messages,
    replies: replies === undefined ? null : hex(replies),
    goaway: decoder.goaway ?? null,
    fault: decoder.fault === undefined ? null : faultValue(decoder.fault),
  };
}

function fragments({ queues = [] }: Request): qwh.Fragment[] {
  const scheduler = new qwh.Scheduler();
  const sent = [0, 0, 0];
  const waiting = (index: number) => queues[index]?.[sent[index]] ?? -1;
  const parts: qwh.Fragment[] = [];
  for (;;) {
    const fragment = scheduler.next(waiting(0), waiting(1), waiting(2));
    if (fragment === undefined) return parts;
    const isLast = fragment.to === fragment.total;
    if (isLast) sent[fragment.class] += 1;
    if (scheduler.isStarted(fragment.class) === isLast) throw new Error('started, and not');
    parts.push({ ...fragment });
  }
}

/** Packs messages whose bytes count upwards. */
function pack(request: Request): string[] {
  const encoder = new qwh.Encoder(request.carrier ?? 'stream');
  const packed: string[] = [];
  const to = new Uint8Array(2 * qwh.MAX_FRAGMENT);
  let at = 0;
  const seal = () => {
    encoder.seal(to, at);
    if (at > 0) packed.push(hex(to.subarray(0, at)));
    at = 0;
  };
  if (request.ping !== undefined) at = encoder.ping(BigInt(request.ping), to, at);
  for (const fragment of fragments(request)) {
    const message = Uint8Array.from({ length: fragment.total }, (_, index) => index);
    at = encoder.fragment(fragment, message, to, at);
    if (encoder.isFull(at)) seal();
  }
  if (request.goaway !== undefined) {
    const goaway = {
      code: CloseCode.shutdown,
      lastStream: 0,
      retryAfterMs: 1500,
      reason: request.goaway,
    };
    at = encoder.goaway(goaway, to, at);
  }
  seal();
  return packed;
}

function peerValue({ hello: said, agreement, offered, security, channelId, route }: qwh.Peer) {
  return {
    hello: helloValue(said),
    ...agreementValue(agreement),
    offered,
    security,
    channelId: channelId === undefined ? null : hex(channelId),
    route: route ?? null,
  };
}

function agreementValue({ version, caps, codec }: qwh.Agreement) {
  return { version, caps: u64Hex(caps), codec };
}

function helloValue(said: qwh.Hello) {
  const { versions, limits, session, meta, trace } = said;
  return {
    versions: [versions.min, versions.max],
    offered: u64Hex(said.offered),
    required: u64Hex(said.required),
    limits: [
      limits.maxMessage,
      limits.streamWindow,
      limits.connectionWindow,
      limits.maxStreams,
      limits.idleMs,
    ],
    codec: said.codec,
    session: session === undefined ? null : sessionValue(session),
    meta: meta ?? null,
    trace: trace === undefined ? null : hex(trace),
    extensions: said.extensions.map(({ type, name, value }) => [type, name, hex(value)]),
  };
}

function sessionValue(session: qwh.SessionWish | qwh.SessionAnswer) {
  if ('token' in session) return { ...session, sid: hex(session.sid), token: hex(session.token) };
  return { ...session, sid: hex(session.sid) };
}

function faultValue({ code, message }: qwh.Fault): [number, string] {
  return [code, message];
}

export function unhex(text = ''): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function u64Hex(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}
