/**
 * One connection of QWH/1.
 *
 * Receiving: records go through the decoder as they come, so that PINGs are answered and a GOAWAY is seen; what
 * comes while paused is held, and reading stops where too much is. Sending: `qwh-outbox.ts`. Ending: each end's
 * last frame is a GOAWAY; a link is over when its connection is, and tells its owner then, once.
 */
import { CloseCode } from '../../close-codes.js';
import type { QWormholeError } from '../../errors/error.js';
import { Decoder, type Fault, type GoAway } from '../../qwh/index.js';
import { isWebSocket } from '../carriers.js';
import { faultClose } from '../fault.js';
import type { Carrier, ClassIndex, LinkClose, LinkInfo, LinkLimits, SharedMessage } from '../link.js';
import { environmentTurn } from '../turn.js';
import { HOSTILE, ruleBroken } from '../qwh-fault.js';
import type { QwhSettings } from '../qwh.js';
import { markShared } from '../shared-memory.js';
import { View } from '../view.js';
import { chunkMemory } from './chunk-memory.js';
import { discard } from './discard.js';
import { lostWithoutGoAway, RATE_EXCEEDED, rateLimited } from './faults.js';
import { flusher } from './flusher.js';
import { READ_AHEAD } from './memory.js';
import { CHUNK, Intake } from './pace.js';
import { fromWebSocketCode } from '../websocket-codes.js';
import type { CarrierOwner, Farewell, RecordCarrier } from './qwh-carrier.js';
import { endOf } from './qwh-end.js';
import type { Opened } from './qwh-opening.js';
import { Pulse } from './pulse.js';
import { QwhOutbox } from './qwh-outbox.js';
import { resetSocket } from './reset.js';
import { SocketLink } from './socket-link.js';
import { linkInfo } from './link-info.js';
import { Undelivered } from './undelivered.js';

export class QwhLink extends SocketLink implements CarrierOwner {
  readonly info: LinkInfo;
  readonly #carrier: RecordCarrier;
  readonly #decoder: Decoder<Buffer>;
  protected readonly outbox: QwhOutbox;
  /** Set: what is received is bounded. */
  readonly #intake: Intake | undefined;
  /** Read and not given to the decoder, which has not finished what it has. */
  #ahead: Buffer[];
  #isDispatching = false;
  /** Decoded while paused, in order. */
  readonly #waiting = new Undelivered();
  /** The peer has ended its side. */
  #hasPeerEnded: boolean;
  #hasParted = false;
  /** What the peer sends before its own last word is delivered although we have said ours. */
  #takesRest = false;
  /** What the peer did wrong, or said with its GOAWAY: told when everything before it is delivered. */
  #theirs: LinkClose | undefined;
  /** The connection is gone; the end is told after what is held. */
  #over: LinkClose | undefined;
  /** What came with the handshake is looked at. */
  #hasStarted = false;
  /** Unless nobody is watched and nobody watches. */
  readonly #pulse: Pulse | undefined;

  constructor(opened: Opened, carrier: Carrier, limits: LinkLimits, settings: QwhSettings) {
    super(opened.carrier.socket, limits);
    const { info, recordRest, early, hasPeerEnded, peerTimeoutMs } = opened;
    const { maxFragments, controlBurst, controlPerSecond } = settings;
    this.#carrier = opened.carrier;
    const agreed = isWebSocket(carrier) ? { subprotocol: 'qwh.v1', isDeflated: false } : {};
    this.info = { ...linkInfo(this.socket, [carrier, carrier], agreed), handshake: info };
    this.maxSend = Math.min(limits.maxMessage, info.maxMessage);
    this.#ahead = [...early];
    for (const { buffer } of early) markShared(buffer);
    this.#hasPeerEnded = hasPeerEnded;
    this.outbox = new QwhOutbox(opened.carrier, this, limits);
    this.#intake = limits.inbound && new Intake(limits.inbound, () => this.wake());
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
    const onDead = (error: QWormholeError): void => this.kill(faultClose(error));
    this.#pulse = Pulse.start(this.outbox, onDead, this.socket, limits.heartbeat, peerTimeoutMs);
  }

  /** Starts to take what comes; the owner has set its handler. */
  start(): void {
    if (this.#over !== undefined) return this.wake();
    this.#hasStarted = true;
    this.#decode();
    this.#afterReading();
    if (this.#hasPeerEnded) this.onPeerEnd();
  }

  protected enqueueBytes(payload: Uint8Array, cls: ClassIndex, size: number): void {
    this.outbox.write(payload, size, cls);
  }

  protected enqueueString(payload: string, cls: ClassIndex): void {
    this.outbox.add(Buffer.from(payload), cls);
  }

  protected override enqueueShared({ payload }: SharedMessage, cls: ClassIndex): void {
    this.outbox.add(payload, cls);
  }

  close(code: number, reason: string, retryAfterMs = 0, takesRest = false): void {
    if (this.ending !== undefined) return;
    this.ended = true;
    this.ending = { code, reason, clean: true };
    this.#takesRest = takesRest;
    this.#decoder.isVoid = !takesRest;
    if (!takesRest) this.forgetReceived();
    if (this.#over !== undefined) return this.wake();
    this.restartCloseTimer();
    // What still comes is read and thrown away, so that the peer gets as far as its GOAWAY.
    if (!takesRest) this.#carrier.resume();
    // Not before the end of the tick: whoever terminates right behind wants a reset and nothing else.
    process.nextTick(() => {
      if (!this.#over && this.ending?.clean) this.#part(code, reason, retryAfterMs);
    });
  }

  terminate(code: number, reason: string): void {
    if (this.#over === undefined) this.ending = undefined;
    this.kill({ code, reason, clean: false, error: this.#theirs?.error });
  }

  // --- Reports of the carrier ---

  onBytes(bytes: Buffer): void {
    this.#pulse?.heard();
    const { isVoid } = this;
    if (this.#theirs !== undefined) return discard(bytes);
    if (!isVoid) markShared(bytes.buffer);
    chunkMemory.add(bytes.length);
    this.#intake?.arrived();
    if (this.#takesRest) this.restartCloseTimer();
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
    if (this.ending !== undefined) return this.kill(close);
    this.#theirs = close;
    this.ended = true;
    this.restartCloseTimer();
    // It may still read.
    this.socket.destroySoon();
  }

  beforeEnd(): void {
    this.outbox.flushAll();
  }

  onGone(error: Error | undefined, farewell: Farewell | undefined): void {
    this.#intake?.stop();
    this.#pulse?.stop();
    if (farewell !== undefined && this.#decoder.goaway === undefined)
      this.#theirs ??= { code: fromWebSocketCode(farewell.code), reason: farewell.reason, clean: true };
    this.stopCloseTimer();
    this.ended = true;
    this.#over = this.#closeOf(error);
    // What a rate held back waits for nothing any more: nobody sends behind it.
    if (!this.#waiting.isEmpty) this.wake();
    // A dialled link has its handler once the promise of its caller is settled, not before.
    if (this.handler === undefined) setImmediate(() => this.tellOver());
    else this.tellOver();
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
    if (replies !== undefined && this.ending === undefined) this.outbox.reply(replies);
    const { fault, goaway } = this.#decoder;
    if (fault !== undefined) this.onFault(fault);
    else if (goaway !== undefined && !this.#isClosing()) this.#leave(goaway);
  }

  #take(message: Buffer): void {
    if (this.#isClosing()) return;
    const isNext = !this.isPaused && this.#waiting.isEmpty && !this.#intake?.holdsBack();
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
    this.count(this.#decoder.held + this.#carrier.held + ahead + this.#waiting.bytes);
    this.checkMemory();
    const isFarAhead = this.held >= READ_AHEAD && (this.isPaused || !this.#waiting.isEmpty);
    const isReading = !this.isStarved && !isFarAhead;
    this.#pulse?.setReading(isReading);
    this.#carrier[isReading ? 'resume' : 'pause']();
  }

  onTurn(): void {
    if (this.handler === undefined) return;
    this.#deliverWaiting();
    this.#afterReading();
    this.tellOver();
  }

  /** With `isLast` the peer sends no more: no rate is kept by waiting, and what is answered later is answered in vain. */
  #deliverWaiting(isLast = this.#theirs !== undefined || this.#over !== undefined): void {
    const isOutermost = flusher.begin();
    try {
      while (!this.isPaused && !this.#waiting.isEmpty) {
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
    return this.ending !== undefined && !this.#takesRest;
  }

  // --- Ending ---

  /** Says our last word behind what is queued. */
  #part(code: number, reason: string, retryAfterMs = 0): void {
    if (this.#hasParted) return;
    this.#hasParted = true;
    this.outbox.end({ code, lastStream: 0, retryAfterMs, reason });
  }

  /** The peer has said its last word: what answers to what came before goes out, and then ours. */
  #leave({ code, reason, retryAfterMs }: GoAway): void {
    if (this.#theirs !== undefined) return;
    this.#deliverWaiting(true);
    this.#theirs = { code, reason, clean: true, ...(retryAfterMs > 0 && { retryAfterMs }) };
    this.ended = true;
    this.restartCloseTimer();
    this.#carrier.resume();
    // Our own last word is on its way, or was said.
    if (this.ending !== undefined) return;
    if (!HOSTILE.has(code)) return this.#part(CloseCode.ok, '');
    this.#hasParted = true;
    this.#carrier.end(CloseCode.ok, '');
  }

  #breakOff(code: number, error: QWormholeError, reason = ''): void {
    if (this.#theirs !== undefined) return;
    this.#theirs = faultClose(error);
    this.ended = true;
    this.#ahead = [];
    this.restartCloseTimer();
    this.#carrier.resume();
    if (this.#hasParted) return;
    this.#hasParted = true;
    this.outbox.endNow({ code, lastStream: 0, retryAfterMs: 0, reason });
  }

  protected override kill(close: LinkClose): void {
    this.#ahead = [];
    this.#takesRest = false;
    super.kill(close);
  }

  protected override forgetReceived(): void {
    this.#waiting.clear();
    super.forgetReceived();
  }

  protected override restartCloseTimer(): void {
    this.#pulse?.stop();
    super.restartCloseTimer();
  }

  protected onCloseTimeout(close: LinkClose): void {
    // Both have said their last word: that the stream does not end changes nothing.
    if (this.#theirs !== undefined) resetSocket(this.socket);
    else this.kill(close);
  }

  /** The peer's last word may lie behind what is not delivered yet. */
  protected override get isHolding(): boolean {
    if (this.#theirs !== undefined) return false;
    return super.isHolding || (this.#takesRest && (!this.#waiting.isEmpty || this.isStarved));
  }

  #closeOf(error: Error | undefined): LinkClose {
    const hasAll = { isAnswered: this.#decoder.goaway !== undefined, isWhole: this.outbox.messages === 0 };
    const end = endOf({ ending: this.ending, theirs: this.#theirs, ...hasAll });
    return end ?? faultClose(lostWithoutGoAway(this.info, error));
  }

  giveUp(): void {
    this.forgetReceived();
    this.tellOver();
  }

  protected get isOver(): boolean {
    return this.#over !== undefined;
  }

  protected get isParting(): boolean {
    return this.ending !== undefined || this.#theirs !== undefined;
  }

  protected get isBehind(): boolean {
    return !this.#waiting.isEmpty;
  }

  protected outcome(): LinkClose {
    return this.#over!;
  }
}
