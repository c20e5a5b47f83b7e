/** One connection of the I/O side. */
import { BoundedLink } from '../bounded-link.js';
import type { Coalescing } from '../coalescing.js';
import { faultClose, unheard } from '../fault.js';
import type { ClassIndex, LinkClose, LinkHandler, LinkInfo, LinkLimits, SharedMessage } from '../link.js';
import { QWormholeError, type SystemContext } from '../../errors/error.js';
import { Patience, type Forsaken } from '../patience.js';
import { environmentTurn, type Waiter } from '../turn.js';
import { EventKind, KIND_BITS } from './descriptor.js';
import type { Exchange, Owner } from './exchange.js';
import { isWebSocket } from '../carriers.js';
import { peerText } from '../place.js';
import { faultOf, type Met } from './faults.js';
import { Held } from './held.js';
import { MAX_REASON } from '../../qwh/index.js';
import type { QwhSettings } from '../qwh.js';
import { fitReason, fromWebSocketCode, toWebSocketCode } from '../websocket-codes.js';
import { Operation, type LinkName, type Target } from './outbox.js';

/** What the peer's close frame or GOAWAY said. */
export interface Farewell {
  /** WebSocket's own number; of a GOAWAY ours. */
  readonly code: number;
  readonly reason: string;
  /** Of a GOAWAY: when to come back, ms; 0 is no advice. */
  readonly retryAfterMs?: number;
}

/** How a link ended on the I/O side. */
export interface Closed {
  readonly clean: boolean;
  readonly error: QWormholeError | undefined;
  readonly farewell: Farewell | undefined;
}

/** A call, until its link is open or over. */
export interface Call {
  /** Hears of the opening, or of the end if that comes first. */
  onSettled(error: QWormholeError | undefined): void;
  /** With TLS: judges the server. */
  onSecured?(info: LinkInfo): void;
  /** Of QWH/1: judges the server. */
  readonly qwh: QwhSettings | undefined;
  /** Hears that the server has said who it is. */
  readonly onAnswer: (() => void) | undefined;
  /** Why the server was not let in. */
  refusal?: QWormholeError;
}

/** How far the kind of a message that is text is from that of one that is not, in their events. */
const TEXT = EventKind.text - EventKind.message;

/** There may be very many links: what follows from other fields, or is rare, has none of its own. */
export class NativeLink extends BoundedLink implements Forsaken, Target, Waiter {
  /** Whose link it is: it ends with any thread of its owner. */
  readonly owner: Owner;
  info: LinkInfo;
  declare handler: LinkHandler;
  readonly slot: number;
  /** The second word of this link's message events. */
  readonly messageStamp: number;
  call: Call | undefined;
  readonly #exchange: Exchange;
  readonly #coalescing: Coalescing | undefined;
  /** Payload bytes and messages ever accepted, modulo 2^32. */
  #bytes = 0;
  #messages = 0;
  #isPaused = true;
  /** The I/O side reads. Not while something is held: what waits grows no further. */
  #isReading = false;
  #isWaking = false;
  /** What came while paused, as long as there is some. */
  #held: Held | undefined;
  #hasPeerEnded = false;
  /** How it ended on the I/O side: told when everything before it is delivered. */
  #closed: Closed | undefined;
  /** Runs while its end waits behind what is held. */
  #patience: Patience | undefined;
  #isDrainArmed = false;
  #isEmptyArmed = false;
  /** How it ends, once our side decided it. */
  #ending: LinkClose | undefined;
  /** What comes until the peer's own last word is delivered although we have said ours. */
  #takesRest = false;
  /** Its number is given back. */
  #over = false;
  #onOver: (() => void) | undefined;
  #isReferenced = true;

  constructor(
    exchange: Exchange,
    owner: Owner,
    { slot, generation }: LinkName,
    info: LinkInfo,
    limits: LinkLimits,
  ) {
    super(limits);
    this.#exchange = exchange;
    this.owner = owner;
    this.#coalescing = this.coalescing();
    this.slot = slot;
    this.messageStamp = ((generation << KIND_BITS) | EventKind.message) >>> 0;
    this.info = info;
    this.#adjust(info);
    exchange.add(this);
    exchange.hold(1);
  }

  get mode(): 'native' {
    return 'native';
  }

  get generation(): number {
    return this.messageStamp >>> KIND_BITS;
  }

  /** As `messageStamp`, of messages that are text. */
  get textStamp(): number {
    return this.messageStamp + TEXT;
  }

  /** The carrier knows text from bytes. */
  get #tellsText(): boolean {
    const { carrier, handshake } = this.info;
    return isWebSocket(carrier) && handshake === undefined;
  }

  /** Whoever leaves says so: by a close frame, or a GOAWAY. */
  get #hasFarewells(): boolean {
    const { carrier, handshake } = this.info;
    return isWebSocket(carrier) || handshake !== undefined;
  }

  #adjust({ handshake }: LinkInfo): void {
    if (handshake !== undefined) this.maxSend = Math.min(this.limits.maxMessage, handshake.maxMessage);
  }

  /** Our end of the handshake of QWH/1, of a call. */
  get meeting(): Met | undefined {
    const hello = this.call?.qwh?.hello;
    return hello && { hello, initiates: true };
  }

  /** What it does, for errors. */
  get doing(): SystemContext {
    const what = peerText(this.info);
    return { during: this.call === undefined ? 'io' : 'connect', what };
  }

  get bufferedAmount(): number {
    if (this.#over) return 0;
    return (this.#bytes - this.#exchange.counters[2 * this.slot]) >>> 0;
  }

  get bufferedMessages(): number {
    if (this.#over) return 0;
    return (this.#messages - this.#exchange.counters[2 * this.slot + 1]) >>> 0;
  }

  get flushIntervalMs(): number {
    return this.#coalescing === undefined ? (this.limits.flushIntervalMs ?? 0) : this.#coalescing.interval();
  }

  get isIdle(): boolean {
    return this.#messages === this.#exchange.counters[2 * this.slot + 1];
  }

  protected enqueueBytes(payload: Uint8Array, cls: ClassIndex, size: number, isText: boolean): void {
    this.#exchange.outbox.bytes(this, cls, payload, size, isText && this.#tellsText);
    this.#count(size);
  }

  protected enqueueString(payload: string, cls: ClassIndex, size: number, isText: boolean): void {
    this.#exchange.outbox.string(this, cls, payload, size, isText && this.#tellsText);
    this.#count(size);
  }

  protected override enqueueShared(message: SharedMessage, cls: ClassIndex): void {
    this.#exchange.outbox.shared(this, cls, message, message.isText && this.#tellsText);
    this.#count(message.size);
  }

  #count(size: number): void {
    this.#bytes = (this.#bytes + size) >>> 0;
    this.#messages = (this.#messages + 1) >>> 0;
    this.#exchange.accepted = (this.#exchange.accepted + size) >>> 0;
  }

  notifyDrain(): void {
    if (this.#isDrainArmed) return;
    this.#isDrainArmed = true;
    this.#notify();
  }

  notifyEmpty(): void {
    this.#isEmptyArmed = true;
    this.#notify();
  }

  /** Has the I/O side tell when the nearest of the armed levels is reached. */
  #notify(): void {
    const low = this.#isDrainArmed ? this.limits.lowWaterMark : 0;
    const messages = this.#isDrainArmed ? this.lowMessages : 0;
    this.#exchange.outbox.operation(
      Operation.notify,
      this,
      (this.#bytes - Math.min(low, this.bufferedAmount)) >>> 0,
      (this.#messages - Math.min(messages, this.bufferedMessages)) >>> 0,
    );
  }

  flush(): void {
    this.#exchange.outbox.flush();
  }

  pause(): void {
    if (this.#isPaused || this.#isVoid) return;
    this.#isPaused = true;
    if (!this.#isReading) return;
    this.#isReading = false;
    this.#operation(Operation.pause);
  }

  resume(): void {
    if (!this.#isPaused || this.#isVoid) return;
    this.#isPaused = false;
    if (this.#held === undefined) this.#read();
    else this.#wake();
  }

  #read(): void {
    if (this.#isReading || this.#isPaused || this.#isVoid) return;
    this.#isReading = true;
    this.#operation(Operation.resume);
  }

  /** Nobody wants what comes any more. */
  get #isVoid(): boolean {
    return this.#ending !== undefined && !this.#takesRest;
  }

  close(code: number, reason: string, retryAfterMs = 0, takesRest = false): void {
    if (this.#ending !== undefined || this.#over) return;
    this.ended = true;
    this.#ending = { code, reason, clean: true };
    // What nobody listens to would stand in front of the peer's last word.
    this.#takesRest = takesRest && this.info.handshake !== undefined && this.handler.isHeard;
    if (!this.#takesRest) this.#forgetReceived();
    if (this.#closed !== undefined) return this.#wake();
    const wire = this.#tellsText ? (toWebSocketCode(code) ?? 0) : code;
    const most = this.#tellsText ? undefined : MAX_REASON;
    const { outbox } = this.#exchange;
    if (retryAfterMs > 0) outbox.operation(Operation.advise, this, retryAfterMs);
    if (this.#takesRest) outbox.operation(Operation.takeRest, this);
    outbox.wish(Operation.close, this, wire, fitReason(reason, most));
  }

  terminate(code: number, reason: string): void {
    this.#terminate({ code, reason, clean: false, error: this.#ending?.error });
  }

  /** Ends it for a fault of its owner's; resolves when it is over. */
  abandon(error: QWormholeError): Promise<void> {
    const ending = this.#ending;
    this.#terminate(ending === undefined ? faultClose(error) : { ...ending, clean: false });
    return new Promise((resolve) => (this.#onOver = resolve));
  }

  #terminate(close: LinkClose): void {
    if (this.#over) return;
    this.ended = true;
    this.#ending = close;
    this.#takesRest = false;
    this.#forgetReceived();
    if (this.#closed === undefined) this.#operation(Operation.terminate);
    else this.#wake();
  }

  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Buffer {
    const { core } = this.#exchange;
    const { keys, fault } = core.exportKeys(this.slot, this.generation, label, length, context);
    if (fault) throw faultOf(fault, this.doing);
    return Buffer.from(keys!.buffer, keys!.byteOffset, keys!.byteLength);
  }

  ref(): void {
    if (this.#isReferenced || this.#over) return;
    this.#isReferenced = true;
    this.#exchange.hold(1);
  }

  unref(): void {
    if (!this.#isReferenced || this.#over) return;
    this.#isReferenced = false;
    this.#exchange.hold(-1);
  }

  /** A message came. */
  deliver(message: Buffer, isText: boolean): void {
    if (!this.#isPaused && this.#held === undefined) {
      if (!this.#isVoid) this.handler.onMessage(message, isText);
      return;
    }
    if (this.#isVoid) return;
    this.#held ??= new Held(this.#exchange);
    this.#held.push(message, isText);
  }

  onOpened(info: LinkInfo): void {
    this.info = info;
    this.#adjust(info);
    this.#settle(undefined);
  }

  onReleased(): void {
    if (this.#over) return;
    if (this.#isDrainArmed && this.isLow()) {
      this.#isDrainArmed = false;
      this.handler.onDrain();
    }
    if (this.#isEmptyArmed && this.isIdle) {
      this.#isEmptyArmed = false;
      this.handler.onEmpty();
    }
    // More was queued since: the level moved on.
    if (this.#isDrainArmed || this.#isEmptyArmed) this.#notify();
  }

  onEnded(): void {
    this.#hasPeerEnded = true;
    if (this.#hasFarewells && this.handler !== undefined && !this.#isBehind) this.#partWith();
    else this.#wake();
  }

  /** What is held waits for its turn, and for nothing else. */
  get #isBehind(): boolean {
    return this.#held !== undefined && !this.#isPaused;
  }

  /**
   * The peer has sent its close frame, or what no peer may send: our close frame goes out behind the answers
   * to what came before.
   */
  #partWith(): void {
    this.#hasPeerEnded = false;
    if (this.ended) return;
    this.ended = true;
    this.#exchange.outbox.wish(Operation.close, this, 0, '');
  }

  onClosed(closed: Closed): void {
    if (this.#over) return;
    this.ended = true;
    this.#closed ??= closed;
    // With its thread a link is over at once: the owner of the driver hears of the failure only afterwards.
    if (this.#exchange.failure !== undefined) this.#forgetReceived();
    if (this.call !== undefined) this.#free();
    else if (this.handler === undefined || this.#held !== undefined) this.#wake();
    else this.#finish(this.#closed);
    // An error takes the time of a hundred messages: only where somebody is told of it.
    if (this.call !== undefined)
      this.#settle(this.call.refusal ?? closed.error ?? new QWormholeError('ERR_QW_CONNECTION_LOST'));
  }

  /** Tells the owner, who may still ask how much was never written, and gives the number back. */
  #finish(closed: Closed): void {
    const close = this.#closeOf(closed);
    this.#ending = close;
    try {
      this.handler.onClose(close);
    } finally {
      this.#free();
    }
  }

  #free(): void {
    const exchange = this.#exchange;
    // What was accepted and never written is off the books.
    exchange.accepted = (exchange.accepted - this.bufferedAmount) >>> 0;
    this.#over = true;
    this.#patience?.end();
    if (this.#isReferenced) exchange.hold(-1);
    exchange.remove(this);
    if (exchange.failure === undefined) exchange.outbox.operation(Operation.release, this);
    this.#onOver?.();
  }

  #settle(error: QWormholeError | undefined): void {
    const { call } = this;
    this.call = undefined;
    call?.onSettled(error);
  }

  /** Of two reasons the first is told; the fault that spoils an end in order comes with it. */
  #closeOf({ clean, error, farewell }: Closed): LinkClose {
    const { bufferedMessages } = this;
    const ending = this.#ending;
    if (ending === undefined && farewell !== undefined) {
      const { code, reason, retryAfterMs } = farewell;
      const isClean = clean && bufferedMessages === 0;
      if (retryAfterMs === undefined) return { code: fromWebSocketCode(code), reason, clean: isClean };
      return { code, reason, clean: isClean, ...(retryAfterMs > 0 && { retryAfterMs }) };
    }
    if (ending === undefined) return error === undefined ? cut() : faultClose(error);
    return {
      ...ending,
      clean: ending.clean && clean && bufferedMessages === 0,
      error: ending.error ?? error,
    };
  }

  #operation(operation: number): void {
    if (!this.#over) this.#exchange.outbox.operation(operation, this);
  }

  #forgetReceived(): void {
    this.#held?.clear();
    this.#held = undefined;
  }

  /** Has what is held, and the end behind it, delivered from the event loop. */
  #wake(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    // A dialled link has its handler once the promise of its caller is settled, not before.
    if (this.handler === undefined) setImmediate(NativeLink.#onWake, this);
    else process.nextTick(NativeLink.#onWake, this);
  }

  static #onWake(link: NativeLink): void {
    link.onTurn();
  }

  onTurn(): void {
    this.#isWaking = false;
    this.#deliverHeld();
    if (this.#isBehind) return;
    if (this.#hasPeerEnded && this.#hasFarewells) this.#partWith();
    if (this.#over) return;
    if (this.#held !== undefined) return this.#bePatient();
    if (this.#hasPeerEnded && this.#ending === undefined) {
      this.#hasPeerEnded = false;
      this.handler.onEnd();
    }
    if (this.#closed === undefined) this.#read();
    else this.#finish(this.#closed);
  }

  /** Has a link that its peer has left, and that nobody listens to, end although something is held. */
  #bePatient(): void {
    if (this.#closed === undefined && !this.#hasPeerEnded) return;
    this.#patience ??= new Patience(this, this.limits.closeTimeoutMs);
  }

  get isHeard(): boolean {
    return this.handler.isHeard;
  }

  giveUp(): void {
    this.#patience = undefined;
    if (this.#held === undefined || this.#over) return;
    this.#forgetReceived();
    if (this.#closed !== undefined) this.#finish(this.#closed);
    else this.#terminate(faultClose(unheard()));
  }

  #deliverHeld(): void {
    while (this.#held !== undefined && !this.#isPaused && !environmentTurn.defers(this)) {
      const { payload, isText } = this.#held.shift();
      if (this.#held.isEmpty) this.#held = undefined;
      this.handler.onMessage(payload, isText);
    }
  }
}

/** An end that nobody gave a reason for. */
function cut(): LinkClose {
  return faultClose(new QWormholeError('ERR_QW_CONNECTION_LOST'));
}
