/**
 * One connection of QWH/1.
 *
 * Receiving: records go through the decoder as they come, so that PINGs are answered and a GOAWAY is seen; what
 * comes while paused is held, and reading stops where too much is. Sending: `qwh-outbox.ts`. Ending: each end's
 * last frame is a GOAWAY; a link is over when its connection is, and tells its owner then, once.
 */
import type { Socket } from 'node:net';
import { CloseCode } from '../../close-codes.js';
import type { QWormholeError } from '../../errors/error.js';
import { Decoder, type Fault, type GoAway } from '../../qwh/index.js';
import { BoundedLink } from '../bounded-link.js';
import { faultClose } from '../fault.js';
import type {
  Carrier,
  ClassIndex,
  LinkClose,
  LinkHandler,
  LinkInfo,
  LinkLimits,
  SendResult,
  SharedMessage,
} from '../link.js';
import { Patience, type Forsaken } from '../patience.js';
import { environmentTurn, type Waiter } from '../turn.js';
import { HOSTILE, ruleBroken } from '../qwh-fault.js';
import type { QwhSettings } from '../qwh.js';
import { markShared } from '../shared-memory.js';
import { View } from '../view.js';
import { closeTimeout, lostWithoutGoAway, outOfBudget, RATE_EXCEEDED, rateLimited } from './faults.js';
import { discard } from './discard.js';
import { flusher } from './flusher.js';
import { linkMemory, READ_AHEAD, type Starved } from './memory.js';
import { CHUNK, Intake } from './pace.js';
import { fromWebSocketCode } from '../websocket-codes.js';
import type { CarrierOwner, Farewell, RecordCarrier } from './qwh-carrier.js';
import { endOf } from './qwh-end.js';
import type { Opened } from './qwh-opening.js';
import { Pulse } from './pulse.js';
import { QwhOutbox } from './qwh-outbox.js';
import { resetSocket } from './reset.js';
import { exportFrom } from './tls-export.js';
import { linkInfo } from './link-info.js';
import { Undelivered } from './undelivered.js';

export class QwhLink extends BoundedLink implements CarrierOwner, Starved, Forsaken, Waiter {
  readonly mode = 'ts';
  readonly info: LinkInfo;
  declare handler: LinkHandler;
  readonly #carrier: RecordCarrier;
  readonly #socket: Socket;
  readonly #decoder: Decoder<Buffer>;
  readonly #outbox: QwhOutbox;
  /** Set: what is received is bounded. */
  readonly #intake: Intake | undefined;
  /** Read and not given to the decoder, which has not finished what it has. */
  #ahead: Buffer[];
  #isPaused = true;
  #isWaking = false;
  #isDispatching = false;
  #isStarved = false;
  #wantsDrain = false;
  #wantsEmpty = false;
  /** Decoded while paused, in order. */
  readonly #waiting = new Undelivered();
  /** Bytes of `linkMemory.inbound` that are ours. */
  #counted = 0;
  /** The peer has ended its side. */
  #hasPeerEnded: boolean;
  #hasParted = false;
  /** How it ends, once that is decided: by our wish or by a fault. */
  #ending: LinkClose | undefined;
  /** What the peer sends before its own last word is delivered although we have said ours. */
  #takesRest = false;
  /** What the peer did wrong, or said with its GOAWAY: told when everything before it is delivered. */
  #theirs: LinkClose | undefined;
  /** The connection is gone; the end is told after what is held. */
  #over: LinkClose | undefined;
  #isOverTold = false;
  /** What came with the handshake is looked at. */
  #hasStarted = false;
  #patience: Patience | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  /** Unless nobody is watched and nobody watches. */
  readonly #pulse: Pulse | undefined;

  constructor(opened: Opened, carrier: Carrier, limits: LinkLimits, settings: QwhSettings) {
    super(limits);
    const { info, recordRest, early, hasPeerEnded, peerTimeoutMs } = opened;
    const { maxFragments, controlBurst, controlPerSecond } = settings;
    this.#carrier = opened.carrier;
    this.#socket = opened.carrier.socket;
    this.info = {
      ...linkInfo(this.#socket, [carrier, carrier]),
      ...(carrier.startsWith('ws') && { subprotocol: 'qwh.v1', isDeflated: false }),
      handshake: info,
    };
    this.maxSend = Math.min(limits.maxMessage, info.maxMessage);
    this.#ahead = [...early];
    for (const { buffer } of early) markShared(buffer);
    this.#hasPeerEnded = hasPeerEnded;
    this.#outbox = new QwhOutbox(opened.carrier, this, limits);
    this.#intake = limits.inbound && new Intake(limits.inbound, () => this.#wake());
    this.#decoder = new Decoder<Buffer>({
      carrier: opened.carrier.kind,
      limits: { maxMessage: limits.maxMessage, maxFragments, controlBurst, controlPerSecond },
      recordRest,
      view: View,
      now: () => performance.now(),
    });
    // From here on nothing is lost, although nobody looks at it before `start`.
    opened.carrier.pause();
    opened.carrier.owner = this;
    const onDead = (error: QWormholeError): void => this.#kill(faultClose(error));
    this.#pulse = Pulse.start(this.#outbox, onDead, this.#socket, limits.heartbeat, peerTimeoutMs);
  }

  /** Starts to take what comes; the owner has set its handler. */
  start(): void {
    if (this.#over !== undefined) return this.#wake();
    this.#hasStarted = true;
    this.#decode();
    this.#afterReading();
    if (this.#hasPeerEnded) this.onPeerEnd();
  }

  get bufferedAmount(): number {
    return this.#outbox.payload;
  }

  get bufferedMessages(): number {
    return this.#outbox.messages;
  }

  override send(payload: string | Uint8Array, cls: ClassIndex, size: number, isText: boolean): SendResult {
    // Most messages find room behind another of the same tick: no limit but the size of one can concern them.
    const isSmall = typeof payload !== 'string' && !this.ended && size <= this.maxSend;
    if (isSmall && this.#outbox.append(payload, size, cls)) return 'sent';
    return super.send(payload, cls, size, isText);
  }

  protected enqueueBytes(payload: Uint8Array, cls: ClassIndex, size: number): void {
    this.#outbox.write(payload, size, cls);
  }

  protected enqueueString(payload: string, cls: ClassIndex): void {
    this.#outbox.add(Buffer.from(payload), cls);
  }

  protected override enqueueShared({ payload }: SharedMessage, cls: ClassIndex): void {
    this.#outbox.add(payload, cls);
  }

  notifyDrain(): void {
    this.#wantsDrain = true;
  }

  flush(): void {
    this.#outbox.flush();
  }

  notifyEmpty(): void {
    this.#wantsEmpty = true;
    if (this.#outbox.messages === 0) process.nextTick(() => this.onProgress());
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wake();
  }

  close(code: number, reason: string, retryAfterMs = 0, takesRest = false): void {
    if (this.#ending !== undefined) return;
    this.ended = true;
    this.#ending = { code, reason, clean: true };
    this.#takesRest = takesRest;
    this.#decoder.isVoid = !takesRest;
    if (!takesRest) this.#forgetReceived();
    if (this.#over !== undefined) return this.#wake();
    this.#restartCloseTimer();
    // What still comes is read and thrown away, so that the peer gets as far as its GOAWAY.
    if (!takesRest) this.#carrier.resume();
    // Not before the end of the tick: whoever terminates right behind wants a reset and nothing else.
    process.nextTick(() => {
      if (!this.#over && this.#ending?.clean) this.#part(code, reason, retryAfterMs);
    });
  }

  terminate(code: number, reason: string): void {
    if (this.#over === undefined) this.#ending = undefined;
    this.#kill({ code, reason, clean: false, error: this.#theirs?.error });
  }

  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Buffer {
    return exportFrom(this.#socket, label, length, context);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  // --- Reports of the carrier ---

  onBytes(bytes: Buffer): void {
    this.#pulse?.heard();
    const { isVoid } = this;
    if (this.#theirs !== undefined) return discard(bytes);
    if (!isVoid) markShared(bytes.buffer);
    this.#intake?.arrived();
    if (this.#takesRest) this.#restartCloseTimer();
    this.#ahead.push(bytes);
    if (this.#isDispatching || this.handler === undefined) return;
    this.#decode();
    if (isVoid) return discard(bytes);
    // Behind a small piece the socket is empty.
    if (bytes.length < CHUNK && this.#waiting.isEmpty) this.#intake?.caughtUp();
    this.#afterReading();
  }

  /** The peer broke the rules: it is told so, and has a while to close. */
  onFault(fault: Fault): void {
    this.#breakOff(fault.code, ruleBroken(fault), fault.message);
  }

  onPeerEnd(): void {
    this.#hasPeerEnded = true;
    // A GOAWAY that came with the handshake is in front of it.
    if (!this.#hasStarted || this.#over !== undefined) return;
    if (this.#decoder.goaway !== undefined || this.#theirs !== undefined) return;
    // Without its GOAWAY the peer has not left, it is gone.
    const close = faultClose(lostWithoutGoAway(this.info, undefined));
    if (this.#ending !== undefined) return this.#kill(close);
    this.#theirs = close;
    this.ended = true;
    this.#restartCloseTimer();
    // It may still read.
    this.#socket.destroySoon();
  }

  beforeEnd(): void {
    this.#outbox.flushAll();
  }

  onGone(error: Error | undefined, farewell: Farewell | undefined): void {
    this.#intake?.stop();
    this.#pulse?.stop();
    if (farewell !== undefined && this.#decoder.goaway === undefined)
      this.#theirs ??= { code: fromWebSocketCode(farewell.code), reason: farewell.reason, clean: true };
    clearTimeout(this.#closeTimer);
    this.ended = true;
    this.#over = this.#closeOf(error);
    // What a rate held back waits for nothing any more: nobody sends behind it.
    if (!this.#waiting.isEmpty) this.#wake();
    // A dialled link has its handler once the promise of its caller is settled, not before.
    if (this.handler === undefined) setImmediate(() => this.#tellOver());
    else this.#tellOver();
  }

  // --- Receiving ---

  /**
   * Decodes what is there and delivers it, or holds it while paused. What comes behind our GOAWAY is void, but for the
   * peer's: it is decoded all the same, since the stream tells nobody where a frame begins.
   */
  #decode(): void {
    const isOutermost = flusher.begin();
    this.#isDispatching = true;
    try {
      while (this.#theirs === undefined) {
        const message = this.#decoder.next();
        if (message !== undefined) this.#take(message);
        else if (!this.#feed()) break;
      }
    } finally {
      this.#isDispatching = false;
      if (isOutermost) flusher.end();
    }
    const replies = this.#decoder.takeReplies();
    // Behind our GOAWAY there is no other frame.
    if (replies !== undefined && this.#ending === undefined) this.#outbox.reply(replies);
    const { fault, goaway } = this.#decoder;
    if (fault !== undefined) this.onFault(fault);
    else if (goaway !== undefined && !this.#isClosing()) this.#leave(goaway);
  }

  #take(message: Buffer): void {
    if (this.#isClosing()) return;
    const isNext = !this.#isPaused && this.#waiting.isEmpty && !this.#intake?.holdsBack();
    if (isNext && !environmentTurn.defers(this)) return this.#deliver(message);
    this.#waiting.push(message, false);
  }

  #deliver(message: Buffer): void {
    if (this.#intake?.admits(message.length) !== false) return this.handler.onMessage(message, false);
    // It is refused, and nothing behind it is delivered either.
    this.#waiting.clear();
    this.#breakOff(CloseCode.rate_limited, rateLimited(), RATE_EXCEEDED);
  }

  /** Gives the decoder what is read next; false if there is nothing. */
  #feed(): boolean {
    if (this.#decoder.fault !== undefined || this.#decoder.goaway !== undefined) return false;
    const bytes = this.#ahead.shift();
    if (bytes === undefined) return false;
    this.#decoder.push(bytes);
    return true;
  }

  /** Counts what is held after a chunk was read, and stops reading where the link or the environment holds too much. */
  #afterReading(): void {
    if (this.#isClosing() || this.#over !== undefined) return;
    // Nothing is taken any more, but the end is to be seen.
    if (this.#theirs !== undefined) return this.#carrier.resume();
    const ahead = this.#ahead.reduce((sum, { length }) => sum + length, 0);
    this.#count(this.#decoder.held + this.#carrier.held + ahead + this.#waiting.bytes);
    if (!this.#isStarved && linkMemory.isFull(this.limits.memoryBudget)) {
      this.#isStarved = true;
      linkMemory.wait(this, this.limits.memoryBudget);
    }
    const isFarAhead = this.#counted >= READ_AHEAD && (this.#isPaused || !this.#waiting.isEmpty);
    const isReading = !this.#isStarved && !isFarAhead;
    this.#pulse?.setReading(isReading);
    this.#carrier[isReading ? 'resume' : 'pause']();
  }

  #count(held: number): void {
    linkMemory.inbound += held - this.#counted;
    this.#counted = held;
  }

  /** Bytes received that are in no delivered message. */
  get held(): number {
    return this.#counted;
  }

  onMemory(): void {
    this.#isStarved = false;
    this.#wake();
  }

  onStuck(): void {
    this.#kill(faultClose(outOfBudget(this.#counted, this.limits.memoryBudget)));
  }

  /** Has what is held, and the end behind it, delivered from the event loop. */
  #wake(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    process.nextTick(() => this.onTurn());
  }

  onTurn(): void {
    this.#isWaking = false;
    if (this.handler === undefined) return;
    this.#deliverWaiting();
    this.#afterReading();
    this.#tellOver();
  }

  /** With `isLast` the peer sends no more: no rate is kept by waiting, and what is answered later is answered in vain. */
  #deliverWaiting(isLast = this.#theirs !== undefined || this.#over !== undefined): void {
    const isOutermost = flusher.begin();
    try {
      while (!this.#isPaused && !this.#waiting.isEmpty) {
        if (!isLast && (this.#intake?.holdsBack() || environmentTurn.defers(this))) break;
        const message = this.#waiting.take();
        if (message === undefined) break;
        this.#deliver(message.payload);
      }
    } finally {
      if (isOutermost) flusher.end();
    }
  }

  get isVoid(): boolean {
    return this.#theirs !== undefined || this.#isClosing();
  }

  /** We have said our last word: nobody wants what comes any more, but for the peer's. */
  #isClosing(): boolean {
    return this.#ending !== undefined && !this.#takesRest;
  }

  // --- Sending ---

  /** The kernel has taken something, or that is to be looked at anew. */
  onProgress(): void {
    if (this.#over !== undefined || this.handler === undefined) return;
    if (this.#ending !== undefined || this.#theirs !== undefined) this.#restartCloseTimer();
    if (this.#wantsDrain && this.isLow()) {
      this.#wantsDrain = false;
      this.handler.onDrain();
    }
    if (this.#wantsEmpty && this.#outbox.messages === 0) {
      this.#wantsEmpty = false;
      this.handler.onEmpty();
    }
  }

  // --- Ending ---

  /** Says our last word behind what is queued. */
  #part(code: number, reason: string, retryAfterMs = 0): void {
    if (this.#hasParted) return;
    this.#hasParted = true;
    this.#outbox.end({ code, lastStream: 0, retryAfterMs, reason });
  }

  /** The peer has said its last word: what answers to what came before goes out, and then ours. */
  #leave({ code, reason, retryAfterMs }: GoAway): void {
    if (this.#theirs !== undefined) return;
    this.#deliverWaiting(true);
    this.#theirs = { code, reason, clean: true, ...(retryAfterMs > 0 && { retryAfterMs }) };
    this.ended = true;
    this.#restartCloseTimer();
    this.#carrier.resume();
    // Our own last word is on its way, or was said.
    if (this.#ending !== undefined) return;
    if (!HOSTILE.has(code)) return this.#part(CloseCode.ok, '');
    this.#hasParted = true;
    this.#carrier.end(CloseCode.ok, '');
  }

  #breakOff(code: number, error: QWormholeError, reason = ''): void {
    if (this.#theirs !== undefined) return;
    this.#theirs = faultClose(error);
    this.ended = true;
    this.#ahead = [];
    this.#restartCloseTimer();
    this.#carrier.resume();
    if (this.#hasParted) return;
    this.#hasParted = true;
    this.#outbox.endNow({ code, lastStream: 0, retryAfterMs: 0, reason });
  }

  #kill(close: LinkClose): void {
    this.#ahead = [];
    this.#takesRest = false;
    if (this.#ending === undefined) this.#ending = close;
    else if (this.#ending.clean) this.#ending = { ...this.#ending, clean: false, error: close.error };
    this.ended = true;
    this.#forgetReceived();
    if (this.#over !== undefined) this.#wake();
    else resetSocket(this.#socket);
  }

  #forgetReceived(): void {
    this.#waiting.clear();
    this.#count(0);
    linkMemory.forget(this);
  }

  /** The peer has so long to take our next bytes and to end its side. */
  #restartCloseTimer(): void {
    this.#pulse?.stop();
    const { closeTimeoutMs } = this.limits;
    clearTimeout(this.#closeTimer);
    const expire = (): void => {
      // Both have said their last word: that the stream does not end changes nothing.
      if (this.#theirs !== undefined) resetSocket(this.#socket);
      // What we hold back ourselves is not the peer's delay.
      else if (this.#outbox.isHeld || this.#isHolding) this.#restartCloseTimer();
      else this.#kill(faultClose(closeTimeout(closeTimeoutMs)));
    };
    this.#closeTimer = setTimeout(expire, closeTimeoutMs).unref();
  }

  /** The peer's last word may lie behind what is not delivered yet. */
  get #isHolding(): boolean {
    return this.#takesRest && (!this.#waiting.isEmpty || this.#isStarved);
  }

  #closeOf(error: Error | undefined): LinkClose {
    const hasAll = { isAnswered: this.#decoder.goaway !== undefined, isWhole: this.#outbox.messages === 0 };
    const end = endOf({ ending: this.#ending, theirs: this.#theirs, ...hasAll });
    return end ?? faultClose(lostWithoutGoAway(this.info, error));
  }

  get isHeard(): boolean {
    return this.handler.isHeard;
  }

  giveUp(): void {
    this.#forgetReceived();
    this.#tellOver();
  }

  #tellOver(): void {
    const over = this.#over;
    // Without a handler yet it is told from the turn in which there is one.
    if (over === undefined || this.#isOverTold || this.handler === undefined) return;
    // What the peer said before it closed comes first, whenever somebody wants it.
    if (!this.#waiting.isEmpty)
      return void (this.#patience ??= new Patience(this, this.limits.closeTimeoutMs));
    this.#isOverTold = true;
    this.#patience?.end();
    this.#forgetReceived();
    this.handler.onClose(over);
    this.#outbox.discard();
  }
}
