/** Counters of connections, clients and servers. All are totals since the start of the object. */
import type { ErrorCode } from './errors/error.js';
import type { DropReason } from './link/link.js';
import type { TlsStats } from './tls/service.js';

/** A number of messages and their payload bytes. */
export interface Amount {
  messages: number;
  bytes: number;
}

/** What was not accepted, by reason; `expired` was accepted into the offline queue first. */
export type Drops = { readonly [Reason in DropReason]: Readonly<Amount> };

/**
 * Traffic of one connection, or of several together. Bytes are payload bytes: no headers. At any moment
 * `accepted.bytes = bytesWritten + bufferedAmount + bytesDiscarded`.
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
  /** Accepted and not yet taken by the kernel. */
  readonly bufferedAmount: number;
  /** Accepted and lost: with a connection that ended before, or by the offline queue's age limit. */
  readonly bytesDiscarded: number;
  /** Not accepted, by reason. */
  readonly dropped: Drops;
  /** How often `backpressure` began: `send` answered so, and had not before. */
  readonly backpressures: number;
  /** How often it ended by `drain`. */
  readonly drains: number;
}

/** What became of opening handshakes of WebSockets at a server. Those of TLS are in `tls`. */
export interface HandshakeStats {
  readonly accepted: number;
  /** By path, origin, `maxConnections` or `authorize`. */
  readonly refused: number;
  /** `authorize` failed. */
  readonly failed: number;
  /** The client left, or its time was over, before it was decided about. */
  readonly abandoned: number;
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
  /** Ever accepted. */
  readonly connectionsAccepted: number;
  /** Turned away because of `maxConnections`. */
  readonly connectionsRefused: number;
  readonly handshakes: HandshakeStats;
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
}

const REASONS: readonly DropReason[] = ['closed', 'queue-full', 'budget', 'expired', 'offline'];

/** The counters behind `TrafficStats`: plain fields, as they change with every message. */
export class Traffic {
  messagesIn = 0;
  bytesIn = 0;
  undecodable = 0;
  messagesOut = 0;
  bytesOut = 0;
  bytesDiscarded = 0;
  backpressures = 0;
  drains = 0;
  /** With the first drop: an idle connection costs memory too. */
  #dropped: Record<DropReason, Amount> | undefined;

  /** Adds what another has counted. */
  add(other: Traffic): void {
    this.messagesIn += other.messagesIn;
    this.bytesIn += other.bytesIn;
    this.undecodable += other.undecodable;
    this.messagesOut += other.messagesOut;
    this.bytesOut += other.bytesOut;
    this.bytesDiscarded += other.bytesDiscarded;
    this.backpressures += other.backpressures;
    this.drains += other.drains;
    const dropped = other.#dropped;
    if (dropped === undefined) return;
    for (const reason of REASONS) this.drop(reason, dropped[reason].bytes, dropped[reason].messages);
  }

  drop(reason: DropReason, bytes: number, messages = 1): void {
    const dropped = (this.#dropped ??= noDrops())[reason];
    dropped.messages += messages;
    dropped.bytes += bytes;
  }

  /** A copy for users. */
  stats(bufferedAmount: number): TrafficStats {
    const dropped = noDrops();
    for (const reason of REASONS) Object.assign(dropped[reason], this.#dropped?.[reason]);
    return {
      received: { messages: this.messagesIn, bytes: this.bytesIn },
      undecodable: this.undecodable,
      accepted: { messages: this.messagesOut, bytes: this.bytesOut },
      bytesWritten: this.bytesOut - bufferedAmount - this.bytesDiscarded,
      bufferedAmount,
      bytesDiscarded: this.bytesDiscarded,
      dropped,
      backpressures: this.backpressures,
      drains: this.drains,
    };
  }
}

function noDrops(): Record<DropReason, Amount> {
  const none = () => ({ messages: 0, bytes: 0 });
  return { closed: none(), 'queue-full': none(), budget: none(), expired: none(), offline: none() };
}
