/** QWH/1 as the seam knows it: what a handshake begins with, whom it meets, and what comes of it. */
import type { QWormholeError } from '../errors/error.js';
import type { Hello, Meta, Peer } from '../qwh/index.js';
import type { Carrier } from './link.js';
import type { TlsInfo } from './tls.js';

/** The subprotocol that chooses QWH/1 on WebSocket. */
export const QWH_SUBPROTOCOL = 'qwh.v1';

/** Subprotocols of a call that wants QWH/1: it comes first. */
export function withQwh(subprotocols: readonly string[]): string[] {
  return [QWH_SUBPROTOCOL, ...subprotocols.filter((name) => name !== QWH_SUBPROTOCOL)];
}

/** What both ends know of each other once they have shaken hands. */
export interface HandshakeInfo extends Meta {
  /** The protocol's version. */
  readonly version: number;
  /** Those that the peer speaks, from the oldest to the newest. */
  readonly versions: { readonly min: number; readonly max: number };
  /** The trace that the peer's connecting is part of, as `traceparent` of W3C's Trace Context, if it said so. */
  readonly trace?: string;
  /** What the peer said that the protocol does not know. */
  readonly extensions: readonly {
    readonly name: string;
    readonly value: Uint8Array;
    /** The peer needs it to be known. */
    readonly required: boolean;
  }[];
  /** The session: 32 hexadecimal digits, the same on both ends. */
  readonly sid: string;
  /** Capabilities that both ends have: bits of `docs/capabilities.md`. */
  readonly caps: bigint;
  /** The codec of both ends. */
  readonly codec: string;
  /** Largest message that the peer takes, bytes. */
  readonly maxMessage: number;
  /** What protects the records: 0 nothing of ours, 2 TLS 1.3, to which the session is bound. */
  readonly security: 0 | 2;
  /** What the client offered: more than `security` where the server has no exporter. */
  readonly offeredSecurity: 0 | 2;
  /** 32 bytes that no other connection has; none without security. */
  readonly channelId?: Uint8Array;
}

/** A peer that has said who it is and waits to be accepted. */
export interface QwhArrival {
  readonly peer: Peer;
  /** The responder's 16 bytes. */
  readonly sid: Uint8Array;
  readonly carrier: Carrier;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly tls?: TlsInfo;
  /** Aborted if the peer leaves, or the time is over, before the verdict. */
  readonly signal: AbortSignal;
}

/** The peer may come in, and this is what is known of it. */
export interface QwhWelcome {
  readonly info: HandshakeInfo;
}

/** It may not, and is told so. */
export interface QwhRefusal {
  /** Of the one number space. */
  readonly code: number;
  readonly reason: string;
  /** When it should come back, ms; 0 is no advice. */
  readonly retryAfterMs: number;
  /** What a call fails with, if that is more than the refusal itself. */
  readonly error?: QWormholeError;
}

export type QwhVerdict = QwhWelcome | QwhRefusal;

/** What speaks QWH/1: bounds, our HELLO, and who decides about the peer. */
export interface QwhSettings {
  /** Ours, but for the session, which each connection has for itself. */
  readonly hello: Hello;
  /** For all of the handshake, the verdict included, ms. */
  readonly handshakeTimeoutMs: number;
  /** Frames of one message. */
  readonly maxFragments: number;
  /** Frames that are no messages: at once, and per second from then on. */
  readonly controlBurst: number;
  readonly controlPerSecond: number;
  /** The verdict on a peer. Neither throws nor rejects. */
  judge(arrival: QwhArrival): QwhVerdict | Promise<QwhVerdict>;
}

/** A listener that speaks it. */
export interface QwhListenSettings extends QwhSettings {
  /** Peers of other protocols are refused; else a stream that does not begin with `QWH1` is length-prefixed. */
  readonly isRequired: boolean;
  /** Handshakes that may be under way at once. */
  readonly maxPendingHandshakes: number;
  /** The same from one address; `Infinity` for no bound of its own. */
  readonly maxPendingPerAddress: number;
  /** What one of those hears who are under way when the listener closes. */
  refusalAtEnd(): QwhRefusal;
}
