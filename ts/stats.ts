/** Counters of connections, clients and servers. All are totals since the start of the object. */
import type { ErrorCode } from './errors/error.js';
import type { DropReason } from './link/link.js';
import type { HistogramStats } from './telemetry/histogram.js';
import type { TlsStats } from './tls/service.js';

/** A number of messages and their payload bytes. */
export interface Amount {
  messages: number;
  bytes: number;
}

/**
 * What was not accepted, by reason; `expired`, `displaced` and `conflated` count what was accepted first, and is in
 * `discarded` too, and so does `too-big`: a client's queue had taken it, and the peer that came takes less.
 */
export type Drops = { readonly [Reason in DropReason]: Readonly<Amount> };

/**
 * Traffic of one connection, or of several together. Bytes are payload bytes: no headers. At any moment
 * `accepted.bytes = bytesWritten + bufferedAmount + bytesDiscarded`, and the same in messages: so what was offered is
 * what was written, what is queued, what was lost with connections, and what was dropped.
 */
export interface TrafficStats {
  /** Received whole, decodable or not. */
  readonly received: Readonly<Amount>;
  /** Received and refused by the codec. */
  readonly undecodable: number;
  /** Accepted by `send`. */
  readonly accepted: Readonly<Amount>;
  /** Accepted and taken by the kernel. */
  readonly bytesWritten: number;
  readonly messagesWritten: number;
  /** Accepted and not yet taken by the kernel. */
  readonly bufferedAmount: number;
  readonly bufferedMessages: number;
  /** Accepted and lost: with a connection that ended before, by the offline queue's age limit, or by a policy. */
  readonly bytesDiscarded: number;
  readonly messagesDiscarded: number;
  /** Not accepted, by reason. */
  readonly dropped: Drops;
  /** How often `backpressure` began: `send` answered so, and had not before. */
  readonly backpressures: number;
  /** How often it ended by `drain`. */
  readonly drains: number;
  /** Connections that ended because the peer gave no sign of life. */
  readonly heartbeatTimeouts: number;
  /** Connections that ended by an error, those included, by its code. */
  readonly faults: Readonly<Partial<Record<ErrorCode, number>>>;
}

/** What became of opening handshakes of WebSockets at a server. Those of TLS are in `tls`. */
export interface HandshakeStats {
  readonly accepted: number;
  /** By path, origin, `maxConnections` or `authorize`. */
  readonly refused: number;
  /** `authorize` failed; or the request was none, too long or too late. */
  readonly failed: number;
  /** The client left, or its time was over, before it was decided about. */
  readonly abandoned: number;
}

/** What became of handshakes of the protocol qwh at a server; over WebSocket and TLS those count besides. */
export interface QwhHandshakeStats {
  readonly accepted: number;
  /** By our verdict or the client's, or by what both ends need of each other. */
  readonly refused: number;
  /** Broken, or cut off. */
  readonly failed: number;
  /** Not done in time, or not said in time what it speaks. */
  readonly timedOut: number;
}

/** What became of a client's attempts to connect. */
export interface AttemptStats {
  /** Begun, those under way and given up included. */
  readonly made: number;
  readonly succeeded: number;
  /** By error code. */
  readonly failed: Readonly<Partial<Record<ErrorCode, number>>>;
}

/** Traffic of a server's connections, past ones included, and what became of those who called. */
export interface ServerStats extends TrafficStats {
  /** Open now. */
  readonly connections: number;
  /** Of these, those that are used, and those that end: by either side's wish, and wait for what is queued. */
  readonly connectionStates: { readonly open: number; readonly closing: number };
  /** Ever accepted. */
  readonly connectionsAccepted: number;
  /** Turned away because of `maxConnections` or `maxConnectionsPerAddress`. */
  readonly connectionsRefused: number;
  readonly handshakes: HandshakeStats;
  readonly qwhHandshakes: QwhHandshakeStats;
  /** Of WebSockets that were let in: from the request to the open connection, `authorize` included, and with qwh its handshake. */
  readonly handshakeTime: HistogramStats;
  /** Of protocol qwh: from the peer's HELLO until both ends are ready, the verdicts included. */
  readonly qwhHandshakeTime: HistogramStats;
  /** Of a server with TLS. */
  readonly tls?: TlsStats;
}

/** Traffic of a client over all its connections. */
export interface ClientStats extends TrafficStats {
  /** Connections ever established. */
  readonly connects: number;
  /** Of these, after a loss. */
  readonly reconnects: number;
  /** Connections lost. */
  readonly disconnects: number;
  readonly attempts: AttemptStats;
  /** Of protocol qwh: from the peer's HELLO until both ends are ready, the verdicts included. */
  readonly qwhHandshakeTime: HistogramStats;
}

const REASONS: readonly DropReason[] = [
  'closed',
  'queue-full',
  'budget',
  'rate-limited',
  'too-big',
  'offline',
  'expired',
  'displaced',
  'conflated',
];

/** What happens to few connections. */
class Incidents {
  undecodable = 0;
  bytesDiscarded = 0;
  messagesDiscarded = 0;
  backpressures = 0;
  drains = 0;
  heartbeatTimeouts = 0;
  readonly faults: Partial<Record<ErrorCode, number>> = {};
  readonly dropped = noDrops();

  fault(code: ErrorCode, count = 1): void {
    this.faults[code] = (this.faults[code] ?? 0) + count;
  }
}

const NONE: Readonly<Incidents> = new Incidents();

/** The counters behind `TrafficStats`: plain fields, as they change with every message. */
export class Traffic {
  messagesIn = 0;
  bytesIn = 0;
  messagesOut = 0;
  bytesOut = 0;
  /** With the first of them: an idle connection costs memory too. */
  #incidents: Incidents | undefined;

  /** To be counted. */
  get incidents(): Incidents {
    return (this.#incidents ??= new Incidents());
  }

  /** Adds what another has counted. */
  add(other: Traffic): void {
    this.messagesIn += other.messagesIn;
    this.bytesIn += other.bytesIn;
    this.messagesOut += other.messagesOut;
    this.bytesOut += other.bytesOut;
    const more = other.#incidents;
    if (more === undefined) return;
    const { incidents } = this;
    incidents.undecodable += more.undecodable;
    incidents.bytesDiscarded += more.bytesDiscarded;
    incidents.messagesDiscarded += more.messagesDiscarded;
    incidents.backpressures += more.backpressures;
    incidents.drains += more.drains;
    incidents.heartbeatTimeouts += more.heartbeatTimeouts;
    for (const [code, count] of Object.entries(more.faults)) incidents.fault(code as ErrorCode, count);
    for (const reason of REASONS)
      this.drop(reason, more.dropped[reason].bytes, more.dropped[reason].messages);
  }

  /** What was accepted is lost. */
  discard({ bytes, messages }: Amount): void {
    if (messages === 0) return;
    const { incidents } = this;
    incidents.bytesDiscarded += bytes;
    incidents.messagesDiscarded += messages;
  }

  drop(reason: DropReason, bytes: number, messages = 1): void {
    const dropped = this.incidents.dropped[reason];
    dropped.messages += messages;
    dropped.bytes += bytes;
  }

  /** A copy for users. */
  stats({ bytes: bufferedAmount, messages: bufferedMessages }: Readonly<Amount>): TrafficStats {
    const { undecodable, bytesDiscarded, messagesDiscarded, ...incidents } = this.#incidents ?? NONE;
    const dropped = noDrops();
    for (const reason of REASONS) Object.assign(dropped[reason], incidents.dropped[reason]);
    return {
      received: { messages: this.messagesIn, bytes: this.bytesIn },
      undecodable,
      accepted: { messages: this.messagesOut, bytes: this.bytesOut },
      bytesWritten: this.bytesOut - bufferedAmount - bytesDiscarded,
      messagesWritten: this.messagesOut - bufferedMessages - messagesDiscarded,
      bufferedAmount,
      bufferedMessages,
      bytesDiscarded,
      messagesDiscarded,
      dropped,
      backpressures: incidents.backpressures,
      drains: incidents.drains,
      heartbeatTimeouts: incidents.heartbeatTimeouts,
      faults: { ...incidents.faults },
    };
  }
}

function noDrops(): Record<DropReason, Amount> {
  return Object.fromEntries(REASONS.map((reason) => [reason, { messages: 0, bytes: 0 }])) as Record<
    DropReason,
    Amount
  >;
}
