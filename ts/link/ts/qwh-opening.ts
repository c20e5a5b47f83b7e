/** A handshake of QWH/1 over its carrier, in both roles: until both ends are ready, or one of them is not wanted. */
import { randomBytes } from 'node:crypto';
import { type ErrorContext, QWormholeError } from '../../errors/error.js';
import { Handshake, type Failure, type Fault, type Hello, type Peer, type Side } from '../../qwh/index.js';
import { handshakeFailure, isCut, unanswered } from '../qwh-fault.js';
import type { Carrier } from '../link.js';
import { peerText } from '../place.js';
import type { HandshakeInfo, QwhRefusal, QwhSettings, QwhVerdict } from '../qwh.js';
import type { CarrierOwner, RecordCarrier } from './qwh-carrier.js';
import { resetSocket } from './reset.js';
import { exportFrom } from './tls-export.js';
import { tlsInfoOf } from './tls-info.js';

const EXPORTER = 'EXPORTER-QWormhole-v1';
const EXPORTER_BYTES = 32;
const SID_BYTES = 16;
const TOKEN_BYTES = 32;
/** How long a peer may take to read why it is not wanted, ms. */
const LINGER_MS = 1000;
/** So much of what a peer sends behind its READY is kept until it is accepted, bytes. */
const MAX_EARLY = 16 * 1024;

/** A connection on which both ends are ready. */
export interface Opened {
  readonly carrier: RecordCarrier;
  readonly info: HandshakeInfo;
  /** How long the peer bears our silence, ms; `undefined` is for ever. */
  readonly peerTimeoutMs: number | undefined;
  /** Bytes of a record that was begun. */
  readonly recordRest: number;
  /** What has come behind the handshake: chunks, or records. */
  readonly early: readonly Buffer[];
  /** The peer has ended its side. */
  readonly hasPeerEnded: boolean;
}

/** Who waits for it. */
export interface OpeningHandler {
  /** The peer has said who it is: it is our owner's turn. */
  onHeard?(): void;
  /** Our owner has decided. */
  onJudged?(): void;
  onOpened(opened: Opened): void;
  onFailed(error: QWormholeError): void;
}

export class QwhOpening implements CarrierOwner {
  readonly isVoid = false;
  readonly #carrier: RecordCarrier;
  readonly #settings: QwhSettings;
  readonly #side: Side;
  readonly #kind: Carrier;
  readonly #handler: OpeningHandler;
  readonly #handshake: Handshake;
  /** The peer's address, as errors name it: a socket that is closed has none. */
  readonly #what: string;
  readonly #abort = new AbortController();
  /** Ours, if we respond. */
  readonly #sid = randomBytes(SID_BYTES);
  #info: HandshakeInfo | undefined;
  #peerTimeoutMs: number | undefined;
  #refusal: QWormholeError | undefined;
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #hasPeerEnded = false;
  #isOver = false;
  /** The peer has sent something. */
  #isAnswered = false;

  constructor(
    carrier: RecordCarrier,
    settings: QwhSettings,
    { side, kind }: { side: Side; kind: Carrier },
    handler: OpeningHandler,
  ) {
    this.#carrier = carrier;
    this.#settings = settings;
    this.#side = side;
    this.#kind = kind;
    this.#what = peerText(carrier.socket);
    this.#handler = handler;
    this.#handshake = new Handshake({
      side,
      carrier: carrier.kind,
      hello: this.#hello(),
      exporter: exporterOf(carrier),
    });
    carrier.owner = this;
  }

  /** Begins to speak, and to listen. */
  start(): void {
    this.#advance();
    this.#carrier.resume();
  }

  /** It takes too long: the peer is told. */
  timeOut(error?: QWormholeError): void {
    this.#refusal = error;
    this.#handshake.timeOut();
    this.#advance();
  }

  /** Our side does not want it any more. */
  refuse({ code, reason, retryAfterMs }: QwhRefusal): void {
    this.#handshake.refuse(code, reason, retryAfterMs);
    this.#advance();
  }

  /** Cuts it without a word. */
  cut(error: QWormholeError): void {
    if (this.#isOver) return;
    this.#end(error);
    resetSocket(this.#carrier.socket);
  }

  onBytes(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#isAnswered = true;
    const taken = this.#handshake.wantsBytes ? this.#handshake.receive(bytes) : 0;
    if (taken < bytes.length) this.#keep(bytes.subarray(taken));
    this.#advance();
  }

  onFault(fault: Fault): void {
    this.refuse({ code: fault.code, reason: fault.message, retryAfterMs: 0 });
  }

  onPeerEnd(): void {
    this.#hasPeerEnded = true;
    // A peer that waits for our verdict may have said all that it will ever say, a GOAWAY at the least.
    const hasLeft = this.#earlyBytes === 0 || this.#handshake.wantsBytes;
    if (hasLeft || this.#carrier.kind === 'messages') this.#lost(undefined);
  }

  beforeEnd(): void {}

  onGone(error: Error | undefined): void {
    this.#lost(error);
  }

  #hello(): Hello {
    const sid = this.#sid;
    const session =
      this.#side === 'initiator'
        ? { sid, epoch: 0, token: new Uint8Array(TOKEN_BYTES) }
        : { result: 0, sid, epoch: 0 };
    return { ...this.#settings.hello, session };
  }

  #keep(bytes: Buffer): void {
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes >= MAX_EARLY) this.#carrier.pause();
  }

  /** Does what the handshake wants done. */
  #advance(): void {
    for (let event = this.#handshake.nextEvent(); event; event = this.#handshake.nextEvent()) {
      if (this.#isOver) return;
      if (event.type === 'send') this.#carrier.write(event.bytes);
      else if (event.type === 'verify') this.#verify(event.peer);
      else if (event.type === 'ready') this.#ready(event.recordRest);
      else this.#failed(event.failure);
    }
  }

  #verify(peer: Peer): void {
    const { socket } = this.#carrier;
    const tls = tlsInfoOf(socket);
    const answer = peer.hello.session;
    const sid = this.#side === 'responder' || answer === undefined ? this.#sid : answer.sid;
    this.#peerTimeoutMs = peer.hello.limits.idleMs || undefined;
    this.#handler.onHeard?.();
    const verdict = this.#settings.judge({
      peer,
      sid,
      carrier: this.#kind,
      remoteAddress: socket.remoteAddress ?? '',
      remotePort: socket.remotePort ?? 0,
      ...(tls && { tls }),
      signal: this.#abort.signal,
    });
    if (verdict instanceof Promise) void verdict.then((later) => this.#decide(later));
    else this.#decide(verdict);
  }

  #decide(verdict: QwhVerdict): void {
    if (this.#isOver) return;
    this.#handler.onJudged?.();
    if ('info' in verdict) {
      this.#info = verdict.info;
      this.#handshake.accept();
    } else {
      this.#refusal = verdict.error;
      this.#handshake.refuse(verdict.code, verdict.reason, verdict.retryAfterMs);
    }
    this.#advance();
  }

  #ready(recordRest: number): void {
    this.#isOver = true;
    this.#handler.onOpened({
      carrier: this.#carrier,
      info: this.#info!,
      peerTimeoutMs: this.#peerTimeoutMs,
      recordRest,
      early: this.#early,
      hasPeerEnded: this.#hasPeerEnded,
    });
  }

  #failed(failure: Failure): void {
    const { socket } = this.#carrier;
    this.#end(this.#refusal ?? handshakeFailure(failure, this.#settings.hello));
    this.#carrier.end(failure.code, failure.reason);
    // Closing with unread bytes would reset the connection before the answer is read.
    this.#carrier.resume();
    const timer = setTimeout(() => resetSocket(socket), LINGER_MS).unref();
    socket.on('close', () => clearTimeout(timer));
    if (this.#hasPeerEnded) socket.destroySoon();
  }

  #lost(cause: Error | undefined): void {
    if (this.#isOver) return;
    const isUnanswered = this.#side === 'initiator' && this.#carrier.kind === 'stream' && !this.#isAnswered;
    if (cause instanceof QWormholeError) this.#end(cause);
    else this.#end(isUnanswered && isCut(cause) ? unanswered(cause) : lost(cause, this.#what));
    this.#carrier.socket.destroy();
  }

  #end(error: QWormholeError): void {
    this.#isOver = true;
    this.#early = [];
    this.#abort.abort(error);
    this.#handler.onFailed(error);
  }
}

function lost(cause: Error | undefined, what: string): QWormholeError {
  const details = { what };
  const context: ErrorContext = cause === undefined ? { details } : { cause, details };
  const message = 'The peer ended the connection during the handshake';
  return new QWormholeError('ERR_QW_CONNECTION_LOST', message, context);
}

/** Keying material where TLS 1.3 is below: what binds the session to it. */
function exporterOf({ socket }: RecordCarrier): Uint8Array | undefined {
  if (tlsInfoOf(socket)?.protocol !== 'TLSv1.3') return undefined;
  return new Uint8Array(exportFrom(socket, EXPORTER, EXPORTER_BYTES));
}
