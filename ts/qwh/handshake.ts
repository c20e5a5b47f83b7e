/**
 * The handshake of both sides, for security 0 and 2: from the first byte to READY.
 *
 * Bytes come in with `receive`, the owner's verdict with `accept` and `refuse`, the end of its patience with
 * `timeOut`. What comes out is asked for with `nextEvent` after each of them. Messages are held until they may be
 * delivered: behind the peer's READY nothing is taken any more. What is left of the received bytes goes to the
 * decoder once there is a `ready`.
 */
import { CloseCode } from '../close-codes.js';
import { concat, u16, u16At } from './bytes.js';
import { Fault, preambleFault, protocolFault } from './fault.js';
import { HEADER, Kind, controlFrame, wrongHeader } from './frame.js';
import { encodeGoAway, isGoAwayLength, parseGoAway } from './goaway.js';
import { type Hello, encodeHello, parseHello } from './hello.js';
import { ANSWER, MAX_HELLO, MAX_RECORD } from './limits.js';
import { type Agreement, negotiate } from './negotiation.js';
import {
  type Answer,
  type Preamble,
  Security,
  type SecurityLevel,
  commonVersion,
  encodeAnswer,
  encodePreamble,
  parseAnswer,
  parsePreamble,
  preambleLength,
} from './preamble.js';

/** Which end we are: the one that connects and speaks first, or the one that accepts. */
export type Side = 'initiator' | 'responder';

/**
 * What lies below: a stream of bytes, where a record has its length in front, or whole messages, as of WebSocket,
 * of which each is a preamble, an answer or a record.
 */
export type Carrier = 'stream' | 'messages';

/** What a handshake is made of. */
export interface HandshakeSettings {
  readonly side: Side;
  readonly carrier: Carrier;
  /** Ours. */
  readonly hello: Hello;
  /**
   * The 32 bytes that TLS exported for the label `EXPORTER-QWormhole-v1`. With it security 2 is offered, or taken
   * where it is offered.
   */
  readonly exporter?: Uint8Array;
  /** The virtual host that an initiator wants. */
  readonly route?: string;
}

/** Who is there. */
export interface Peer {
  /** What it says. */
  readonly hello: Hello;
  /** What its HELLO and ours come to. */
  readonly agreement: Agreement;
  /** What the initiator wanted to protect records with. */
  readonly offered: SecurityLevel;
  /** What protects them. */
  readonly security: SecurityLevel;
  /** The same 32 bytes on both ends, and of no other connection; none without security. */
  readonly channelId?: Uint8Array;
  /** The virtual host that the initiator wants. */
  readonly route?: string;
}

/** Why there is no connection. */
export interface Failure {
  readonly code: number;
  /** For people; empty in a reject. */
  readonly reason: string;
  /** Whether we or our owner ended it, or the peer. */
  readonly origin: 'local' | 'remote';
  /** When to come back, milliseconds, if the peer said so; 0 is no advice. */
  readonly retryAfterMs: number;
  /** The peer's HELLO, where it does not fit ours. */
  readonly misfit?: Hello;
}

/** What comes of what was put in. */
export type HandshakeEvent =
  /** To be sent, on a carrier of messages as one of them. */
  | { readonly type: 'send'; readonly bytes: Uint8Array }
  /** The peer's HELLO came and fits ours: the owner says whether it is welcome. */
  | { readonly type: 'verify'; readonly peer: Peer }
  /** Both ends accepted each other. So many bytes that follow belong to a record that was begun. The last event. */
  | { readonly type: 'ready'; readonly recordRest: number }
  /** It is over: send what is to be sent, then close. The last event. */
  | { readonly type: 'failed'; readonly failure: Failure };

/** What must come next. */
type Stage = 'preamble' | 'answer' | 'length' | 'header' | 'body';
/** Before the peer's HELLO, before both READYs, and the two ends. */
type Phase = 'hello' | 'verify' | 'ready' | 'failed';

const NOTHING = new Uint8Array(0);

export class Handshake {
  readonly #settings: HandshakeSettings;
  /** Our HELLO as it is sent. */
  readonly #hello: Uint8Array;
  #phase: Phase = 'hello';
  #stage: Stage;
  /** The front of what must come next. */
  #buffer: Uint8Array = NOTHING;
  /** Of the frame whose body comes next. */
  #kind = 0;
  #length = 0;
  /** Bytes of the current record that are not taken. */
  #recordRest = 0;
  /** What the initiator's preamble said; ours or the peer's. */
  #preamble: Preamble;
  #security: SecurityLevel = Security.none;
  #weAccepted = false;
  #peerAccepted = false;
  /** The peer's HELLO, if it does not fit ours. */
  #misfit: Hello | undefined;
  readonly #events: HandshakeEvent[] = [];

  /** What an initiator sends first is there at once. Throws a `Fault` if our HELLO or route breaks a limit. */
  constructor(settings: HandshakeSettings) {
    const { side, hello, exporter, route } = settings;
    const initiates = side === 'initiator';
    this.#settings = settings;
    this.#hello = encodeHello(hello, initiates);
    const security = exporter === undefined ? Security.none : Security.outer;
    this.#preamble = { security, versions: hello.versions, route };
    const preamble = encodePreamble(this.#preamble);
    parsePreamble(preamble);
    this.#stage = initiates ? 'answer' : 'preamble';
    if (initiates) {
      this.#send(preamble);
      this.#sendRecord(Kind.hello, this.#hello);
    }
  }

  /** Whether received bytes are taken: not behind the peer's READY, nor after the end. */
  get wantsBytes(): boolean {
    return (this.#phase === 'hello' || this.#phase === 'verify') && !this.#peerAccepted;
  }

  /**
   * Takes received bytes, on a carrier of messages all of one message, and says how many. It takes fewer behind the
   * peer's READY: then the owner stops reading, and keeps the others.
   */
  receive(bytes: Uint8Array): number {
    if (this.#phase === 'failed') return bytes.length;
    try {
      const taken = this.#take(bytes);
      return this.#hasFailed() ? bytes.length : taken;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#fail(error.code, error.message, 0);
      return bytes.length;
    }
  }

  /** The peer is welcome. Only after `verify`; else nothing happens. */
  accept(): void {
    if (this.#phase !== 'verify' || this.#weAccepted) return;
    this.#weAccepted = true;
    this.#sendRecord(Kind.ready, NOTHING);
    this.#settle();
  }

  /** The peer is not welcome, whenever that is known before both are ready. */
  refuse(code: number, reason: string, retryAfterMs = 0): void {
    if (this.#phase === 'hello' || this.#phase === 'verify') this.#fail(code, reason, retryAfterMs);
  }

  /** It took too long. */
  timeOut(): void {
    this.refuse(CloseCode.timeout, 'the handshake took too long');
  }

  /** What is to be done, in this order. */
  nextEvent(): HandshakeEvent | undefined {
    return this.#events.shift();
  }

  /** A getter of its own, since what is called in between changes the phase unseen by the compiler. */
  #hasFailed(): boolean {
    return this.#phase === 'failed';
  }

  #take(bytes: Uint8Array): number {
    const inMessages = this.#settings.carrier === 'messages';
    if (inMessages && this.wantsBytes && this.#stage === 'length') this.#beginRecord(bytes.length);
    let used = 0;
    while (this.wantsBytes) {
      const missing = Math.max(0, this.#needed() - this.#buffer.length);
      const fresh = bytes.subarray(used, used + missing);
      this.#buffer = concat(this.#buffer, fresh);
      used += fresh.length;
      if (this.#buffer.length < this.#needed()) {
        if (used === bytes.length) break;
        // The front of a preamble told that there is more of it.
        continue;
      }
      const whole = this.#buffer;
      this.#buffer = NOTHING;
      this.#advance(whole, inMessages && used < bytes.length);
      if (inMessages && used === bytes.length && this.#isBetweenRecords()) break;
    }
    if (inMessages && this.wantsBytes && !this.#isBetweenRecords())
      throw preambleFault('the preamble has not its length');
    return used;
  }

  #isBetweenRecords(): boolean {
    return this.#stage === 'length';
  }

  /** How long the buffer must be, as far as it tells. */
  #needed(): number {
    switch (this.#stage) {
      case 'preamble':
        return preambleLength(this.#buffer);
      case 'answer':
        parseAnswer(this.#buffer);
        return ANSWER;
      case 'length':
        return 2;
      case 'header':
        return HEADER;
      case 'body':
        return this.#length;
    }
  }

  /** Takes one whole part. A preamble and an answer must be all of a message. */
  #advance(whole: Uint8Array, hasMore: boolean): void {
    if (hasMore && (this.#stage === 'preamble' || this.#stage === 'answer'))
      throw preambleFault('the preamble has not its length');
    switch (this.#stage) {
      case 'preamble':
        return this.#takePreamble(parsePreamble(whole));
      case 'answer':
        return this.#takeAnswer(parseAnswer(whole)!);
      case 'length':
        return this.#beginRecord(u16At(whole, 0));
      case 'header':
        return this.#takeHeader(whole);
      case 'body':
        this.#recordRest -= this.#length;
        this.#nextFrame();
        return this.#takeFrame(whole);
    }
  }

  #takePreamble(preamble: Preamble): void {
    const { hello, exporter } = this.#settings;
    if (commonVersion(preamble.versions, hello.versions) === undefined)
      throw new Fault(CloseCode.version, 'there is no version in common');
    this.#security = exporter === undefined ? Security.none : preamble.security;
    this.#preamble = preamble;
    this.#send(encodeAnswer({ accept: this.#security }));
    this.#stage = 'length';
  }

  #takeAnswer({ accept, reject }: Answer): void {
    if (reject !== undefined)
      return this.#end({ code: reject, reason: '', origin: 'remote', retryAfterMs: 0 });
    if (accept !== Security.none && accept !== this.#preamble.security)
      throw new Fault(CloseCode.security, "the answer's security was not offered");
    this.#security = accept;
    this.#stage = 'length';
  }

  #beginRecord(length: number): void {
    if (length > MAX_RECORD) throw new Fault(CloseCode.too_big, 'a record is too long');
    if (length === 0) throw protocolFault('a record is empty');
    this.#recordRest = length;
    this.#nextFrame();
  }

  #nextFrame(): void {
    if (this.#recordRest === 0) this.#stage = 'length';
    else if (this.#recordRest >= HEADER) this.#stage = 'header';
    else throw protocolFault('a frame is longer than its record');
  }

  #takeHeader(bytes: Uint8Array): void {
    const wrong = wrongHeader(bytes, 0);
    if (wrong !== undefined) throw protocolFault(wrong);
    const [kind] = bytes;
    const length = u16At(bytes, 2);
    this.#recordRest -= HEADER;
    if (length > this.#recordRest) throw protocolFault('a frame is longer than its record');
    if (kind === Kind.goaway) {
      if (!isGoAwayLength(length)) throw protocolFault('a GOAWAY is malformed');
    } else if (kind === Kind.hello && this.#phase === 'hello') {
      if (length > MAX_HELLO) throw new Fault(CloseCode.too_big, 'the HELLO is too long');
    } else if (kind !== Kind.ready || this.#phase !== 'verify' || length > 0)
      throw protocolFault('a frame comes where it must not');
    this.#kind = kind;
    this.#length = length;
    this.#stage = 'body';
  }

  #takeFrame(body: Uint8Array): void {
    if (this.#kind === Kind.hello) this.#takeHello(body);
    else if (this.#kind === Kind.ready) {
      this.#peerAccepted = true;
      this.#settle();
    } else {
      const { code, reason, retryAfterMs } = parseGoAway(body);
      this.#end({ code, reason, origin: 'remote', retryAfterMs });
    }
  }

  #takeHello(body: Uint8Array): void {
    const { side, hello: ours, exporter } = this.#settings;
    const responds = side === 'responder';
    const hello = parseHello(body, responds);
    if (responds) {
      const { min, max } = this.#preamble.versions;
      if (hello.versions.min !== min || hello.versions.max !== max)
        throw protocolFault('the versions are not those of the preamble');
      // Sent even if the two do not fit, so that the peer can say why.
      this.#sendRecord(Kind.hello, this.#hello);
    }
    this.#misfit = hello;
    const agreement = negotiate(ours, hello);
    this.#misfit = undefined;
    this.#phase = 'verify';
    const { security: offered, route } = this.#preamble;
    const security = this.#security;
    const channelId = security === Security.none ? undefined : exporter;
    this.#events.push({ type: 'verify', peer: { hello, agreement, offered, security, channelId, route } });
  }

  /** Ready once both have accepted. */
  #settle(): void {
    if (!this.#weAccepted || !this.#peerAccepted) return;
    this.#phase = 'ready';
    this.#events.push({ type: 'ready', recordRest: this.#recordRest });
  }

  /** Tells the peer, in whatever it understands by now. */
  #fail(code: number, reason: string, retryAfterMs: number): void {
    // An answer that is none: it speaks something else, and there is nothing it would understand.
    const isStranger = this.#stage === 'answer' && code === CloseCode.bad_preamble;
    if (this.#stage === 'preamble') this.#send(encodeAnswer({ reject: code }));
    else if (!isStranger)
      this.#sendRecord(Kind.goaway, encodeGoAway({ code, lastStream: 0, retryAfterMs, reason }));
    this.#end({ code, reason, origin: 'local', retryAfterMs, misfit: this.#misfit });
  }

  #end(failure: Failure): void {
    this.#phase = 'failed';
    this.#buffer = NOTHING;
    this.#events.push({ type: 'failed', failure });
  }

  /** Sends a record of one frame. */
  #sendRecord(kind: number, body: Uint8Array): void {
    const frame = controlFrame(kind, body);
    this.#send(this.#settings.carrier === 'stream' ? concat(u16(frame.length), frame) : frame);
  }

  #send(bytes: Uint8Array): void {
    this.#events.push({ type: 'send', bytes });
  }
}
