/** One connection of the I/O side. */
import { BoundedLink } from '../bounded-link.js';
import type { Coalescing } from '../coalescing.js';
import { faultClose, unheard } from '../fault.js';
import type { ClassIndex, LinkClose, LinkHandler, LinkInfo, LinkLimits, SharedMessage } from '../link.js';
import { QWormholeError, type SystemContext } from '../../errors/error.js';
import { Patience, type Forsaken } from '../patience.js';
import { environmentTurn, type Waiter } from '../turn.js';
import { EventKind, KIND_BITS } from './descriptor.js';
import { Ending, type Closed } from './ending.js';
import type { Exchange, Owner } from './exchange.js';
import { isWebSocket } from '../carriers.js';
import { peerText } from '../place.js';
import { faultOf, type Met } from './faults.js';
import { Held } from './held.js';
import { MAX_REASON } from '../../qwh/index.js';
import type { QwhSettings } from '../qwh.js';
import { fitReason, toWebSocketCode } from '../websocket-codes.js';
import { Operation, type LinkName, type Target } from './outbox.js';

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

/** How far a queue may have to fall. */
const Level = { low: 1, empty: 2 } as const;

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
  /** From the first sign of its end on. */
  #ending: Ending | undefined;
  /** Levels of its queue that are waited for: bits of `Level`. */
  #armed = 0;
  /** Its number is given back. */
  #over = false;
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
    const { route, handshake } = this.info;
    return isWebSocket(route.carrier) && handshake === undefined;
  }

  /** Whoever leaves says so: by a close frame, or a GOAWAY. */
  get #hasFarewells(): boolean {
    const { route, handshake } = this.info;
    return isWebSocket(route.carrier) || handshake !== undefined;
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
    if ((this.#armed & Level.low) !== 0) return;
    this.#armed |= Level.low;
    this.#notify();
  }

  notifyEmpty(): void {
    this.#armed |= Level.empty;
    this.#notify();
  }

  /** Has the I/O side tell when the nearest of the armed levels is reached. */
  #notify(): void {
    const isLowArmed = (this.#armed & Level.low) !== 0;
    const low = isLowArmed ? this.limits.lowWaterMark : 0;
    const messages = isLowArmed ? this.lowMessages : 0;
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

  #beginEnding(): Ending {
    return (this.#ending ??= new Ending());
  }

  /** Nobody wants what comes any more. */
  get #isVoid(): boolean {
    return this.#ending !== undefined && this.#ending.isVoid;
  }

  close(code: number, reason: string, retryAfterMs = 0, takesRest = false): void {
    if (this.#over || this.#ending?.ours !== undefined) return;
    this.ended = true;
    const ending = this.#beginEnding();
    ending.ours = { code, reason, clean: true };
    // What nobody listens to would stand in front of the peer's last word.
    ending.takesRest = takesRest && this.info.handshake !== undefined && this.handler.isHeard;
    if (ending.isVoid) this.#forgetReceived();
    if (ending.closed !== undefined) return this.#wake();
    const wire = this.#tellsText ? (toWebSocketCode(code) ?? 0) : code;
    const most = this.#tellsText ? undefined : MAX_REASON;
    const { outbox } = this.#exchange;
    if (retryAfterMs > 0) outbox.operation(Operation.advise, this, retryAfterMs);
    if (ending.takesRest) outbox.operation(Operation.takeRest, this);
    outbox.wish(Operation.close, this, wire, fitReason(reason, most));
  }

  terminate(code: number, reason: string): void {
    this.#terminate({ code, reason, clean: false, error: this.#ending?.ours?.error });
  }

  /** Ends it for a fault of its owner's; resolves when it is over. */
  abandon(error: QWormholeError): Promise<void> {
    const ending = this.#beginEnding();
    this.#terminate(ending.ours === undefined ? faultClose(error) : { ...ending.ours, clean: false });
    return new Promise((resolve) => (ending.onOver = resolve));
  }

  #terminate(close: LinkClose): void {
    if (this.#over) return;
    this.ended = true;
    const ending = this.#beginEnding();
    ending.ours = close;
    ending.takesRest = false;
    this.#forgetReceived();
    if (ending.closed === undefined) this.#operation(Operation.terminate);
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
    if ((this.#armed & Level.low) !== 0 && this.isLow()) {
      this.#armed &= ~Level.low;
      this.handler.onDrain();
    }
    if ((this.#armed & Level.empty) !== 0 && this.isIdle) {
      this.#armed &= ~Level.empty;
      this.handler.onEmpty();
    }
    // More was queued since: the level moved on.
    if (this.#armed !== 0) this.#notify();
  }

  onEnded(): void {
    const ending = this.#beginEnding();
    ending.hasPeerEnded = true;
    if (this.#hasFarewells && this.handler !== undefined && !this.#isBehind) this.#partWith(ending);
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
  #partWith(ending: Ending): void {
    ending.hasPeerEnded = false;
    if (this.ended) return;
    this.ended = true;
    this.#exchange.outbox.wish(Operation.close, this, 0, '');
  }

  onClosed(closed: Closed): void {
    if (this.#over) return;
    this.ended = true;
    const ending = this.#beginEnding();
    ending.closed ??= closed;
    // With its thread a link is over at once: the owner of the driver hears of the failure only afterwards.
    if (this.#exchange.failure !== undefined) this.#forgetReceived();
    if (this.call !== undefined) this.#free();
    else if (this.handler === undefined || this.#held !== undefined) this.#wake();
    else this.#finish(ending, ending.closed);
    // An error takes the time of a hundred messages: only where somebody is told of it.
    if (this.call !== undefined)
      this.#settle(this.call.refusal ?? closed.error ?? new QWormholeError('ERR_QW_CONNECTION_LOST'));
  }

  /** Tells the owner, who may still ask how much was never written, and gives the number back. */
  #finish(ending: Ending, closed: Closed): void {
    const close = ending.closeOf(closed, this.bufferedMessages === 0);
    ending.ours = close;
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
    this.#ending?.patience?.end();
    if (this.#isReferenced) exchange.hold(-1);
    exchange.remove(this);
    if (exchange.failure === undefined) exchange.outbox.operation(Operation.release, this);
    this.#ending?.onOver?.();
  }

  #settle(error: QWormholeError | undefined): void {
    const { call } = this;
    this.call = undefined;
    call?.onSettled(error);
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
    const ending = this.#ending;
    if (ending === undefined) {
      if (this.#held === undefined) this.#read();
      return;
    }
    if (ending.hasPeerEnded && this.#hasFarewells) this.#partWith(ending);
    if (this.#over) return;
    if (this.#held !== undefined) return this.#bePatient(ending);
    if (ending.hasPeerEnded && ending.ours === undefined) {
      ending.hasPeerEnded = false;
      this.handler.onEnd();
    }
    if (ending.closed === undefined) this.#read();
    else this.#finish(ending, ending.closed);
  }

  /** Has a link that its peer has left, and that nobody listens to, end although something is held. */
  #bePatient(ending: Ending): void {
    if (ending.closed === undefined && !ending.hasPeerEnded) return;
    ending.patience ??= new Patience(this, this.limits.closeTimeoutMs);
  }

  get isHeard(): boolean {
    return this.handler.isHeard;
  }

  giveUp(): void {
    const ending = this.#beginEnding();
    ending.patience = undefined;
    if (this.#held === undefined || this.#over) return;
    this.#forgetReceived();
    if (ending.closed !== undefined) this.#finish(ending, ending.closed);
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
