/**
 * One connection over a `net.Socket`.
 *
 * Receiving: chunks go through a decoder that is pulled message by message, so that `pause` stops at
 * once. While paused the socket is still read until so much is held as may be: that is how the end of the
 * peer is noticed. What is held is delivered before the end is told, or dropped if nobody comes to listen.
 * Sending: `socket-writer.ts`. Ending: a link is over when the socket says `close`, and tells its owner
 * then, once.
 */
import type { Socket } from 'node:net';
import { fromSystem, tooBig, type QWormholeError } from '../../errors/error.js';
import { BoundedLink } from '../bounded-link.js';
import { faultClose, unheard } from '../fault.js';
import type {
  Carrier,
  ClassIndex,
  LinkClose,
  LinkHandler,
  LinkInfo,
  LinkLimits,
  Protocol,
  SendResult,
  SharedMessage,
} from '../link.js';
import { discard } from './discard.js';
import { closeTimeout, outOfBudget, rateLimited, truncated } from './faults.js';
import { flusher } from './flusher.js';
import { FrameDecoder } from './frame-decoder.js';
import { bare, lengthPrefixed } from './framing.js';
import { linkMemory, READ_AHEAD, type Starved } from './memory.js';
import { CHUNK, Intake } from './pace.js';
import { Patience, type Forsaken } from '../patience.js';
import { environmentTurn, type Waiter } from '../turn.js';
import { peerText } from '../place.js';
import { RawDecoder } from './raw-decoder.js';
import { resetSocket } from './reset.js';
import { SocketWriter } from './socket-writer.js';
import { exportFrom } from './tls-export.js';
import { faultOfSilentClient, faultOfTls } from './tls-faults.js';
import { linkInfo } from './link-info.js';

/** Where a socket keeps its link: the listeners are the same functions for all, an idle link has no closures. */
const LINK = Symbol('link');
type LinkedSocket = Socket & { [LINK]: TsLink };

/** How a connection came to be. */
interface Origin {
  readonly carrier: Carrier;
  /** The peer called us. */
  readonly isAccepted: boolean;
}

export class TsLink extends BoundedLink implements Starved, Forsaken, Waiter {
  readonly mode = 'ts';
  readonly info: LinkInfo;
  declare handler: LinkHandler;
  readonly #socket: Socket;
  readonly #decoder: FrameDecoder | RawDecoder;
  readonly #writer: SocketWriter;
  /** Set: what is received is bounded. */
  readonly #intake: Intake | undefined;
  readonly #isAccepted: boolean;
  /** Read and not given to the decoder, which has enough to do. */
  #ahead: Buffer | undefined;
  /** Bytes of `linkMemory.inbound` that are ours. */
  #held = 0;
  #isPaused = true;
  #isDispatching = false;
  #isWaking = false;
  /** The environment holds too much: nothing is read until it holds less. */
  #isStarved = false;
  #wantsDrain = false;
  #wantsEmpty = false;
  /** The peer has ended its side. */
  #peerEnded = false;
  #isEndTold = false;
  /** How it ends, once that is decided: by our wish or by a fault. */
  #ending: LinkClose | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  /** Why the socket is gone, if the peer did it. */
  #socketError: Error | undefined;
  /** The socket is gone; the end is told after what is held. */
  #isOver = false;
  #isOverTold = false;
  /** Runs while the peer's end waits behind what is held. */
  #patience: Patience | undefined;

  constructor(socket: Socket, protocol: Protocol, limits: LinkLimits, { carrier, isAccepted }: Origin) {
    super(limits);
    this.#isAccepted = isAccepted;
    const framed = protocol === 'length-prefixed';
    this.info = linkInfo(socket, [carrier, carrier]);
    this.#socket = socket;
    this.#decoder = framed ? new FrameDecoder(limits.maxMessage) : new RawDecoder();
    this.#writer = new SocketWriter(socket, framed ? lengthPrefixed : bare, this, limits);
    this.#intake = limits.inbound && new Intake(limits.inbound, () => this.#wake());
    (socket as LinkedSocket)[LINK] = this;
    socket.on('error', onError);
    socket.on('close', onClose);
    // One with TLS is read already: its end may have come, or come before we start.
    this.#peerEnded = socket.readableEnded;
    socket.on('end', onEnd);
  }

  /** Starts to watch the socket; the owner has set its handler. */
  start(): void {
    if (this.#socket.destroyed) return;
    this.#socket.on('data', onData);
    this.#socket.resume();
    this.#checkEnd();
  }

  override send(payload: string | Uint8Array, cls: ClassIndex, size: number, isText: boolean): SendResult {
    // Most messages find room behind another of the same tick: no limit but the size of one can concern them.
    if (typeof payload !== 'string' && !this.ended) {
      if (size <= this.limits.maxMessage && this.#writer.append(payload, size, cls, isText)) return 'sent';
    }
    return super.send(payload, cls, size, isText);
  }

  override sendShared({ payload, size, isText }: SharedMessage, cls: ClassIndex): SendResult {
    return this.send(payload, cls, size, isText);
  }

  get bufferedAmount(): number {
    return this.#writer.payload;
  }

  get bufferedMessages(): number {
    return this.#writer.messages;
  }

  protected enqueueBytes(payload: Uint8Array, cls: ClassIndex, size: number, isText: boolean): void {
    this.#writer.write(payload, size, cls, isText);
  }

  protected enqueueString(payload: string, cls: ClassIndex, size: number, isText: boolean): void {
    this.#writer.writeString(payload, size, cls, isText);
  }

  notifyDrain(): void {
    this.#wantsDrain = true;
  }

  flush(): void {
    this.#writer.flush();
  }

  notifyEmpty(): void {
    this.#wantsEmpty = true;
    if (this.#writer.messages === 0) process.nextTick(progress, this);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wake();
  }

  close(code: number, reason: string): void {
    if (this.#ending !== undefined) return;
    this.ended = true;
    this.#ending = { code, reason, clean: true };
    this.#forgetReceived();
    if (this.#isOver) return this.#wake();
    this.#restartCloseTimer();
    // What still comes is read and thrown away, so that the peer gets as far as its end.
    if (!this.#isDispatching) this.#socket.resume();
    this.#writer.end(() => this.#socket.end());
  }

  terminate(code: number, reason: string): void {
    // The reset is what ends it, whatever was asked for before.
    this.#ending = { code, reason, clean: false, error: this.#ending?.error };
    this.#kill(this.#ending);
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

  /** The socket has read a chunk. */
  onData(chunk: Buffer): void {
    if (this.#ending !== undefined) return discard(chunk);
    this.#intake?.arrived();
    if (this.#isBehind) this.#ahead = this.#ahead === undefined ? chunk : Buffer.concat([this.#ahead, chunk]);
    else this.#decoder.push(chunk);
    if (!this.#isPaused) this.#dispatch();
    else this.#check();
    if (this.#intake !== undefined && chunk.length < CHUNK && !this.#isBehind) this.#intake.caughtUp();
    this.#afterReading();
  }

  /** Delivers the messages that are whole, until there are none or the owner wants no more. */
  #dispatch(): void {
    const isOutermost = flusher.begin();
    this.#isDispatching = true;
    try {
      while (!this.#isPaused && this.#ending === undefined) {
        if (this.#intake?.holdsBack() || environmentTurn.defers(this)) break;
        const message = this.#decoder.next();
        if (message !== undefined) this.#deliver(message);
        else if (!this.#feed()) break;
      }
    } finally {
      this.#isDispatching = false;
      if (isOutermost) flusher.end();
    }
    this.#refuseOversized();
  }

  /** What speaks another protocol is seen by its first bytes, and need not wait for somebody to listen. */
  #check(): void {
    this.#decoder.check();
    this.#refuseOversized();
  }

  #refuseOversized(): void {
    const { oversized } = this.#decoder;
    if (oversized >= 0) this.#fail(tooBig(oversized, this.limits.maxMessage));
  }

  #deliver(message: Buffer): void {
    if (this.#intake?.admits(message.length) === false) this.#fail(rateLimited());
    else this.handler.onMessage(message, false);
  }

  /** Gives the decoder what was read ahead of it; false if nothing was. */
  #feed(): boolean {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead === undefined || this.#decoder.oversized >= 0) return false;
    this.#decoder.push(ahead);
    return true;
  }

  /** There are bytes that nobody has looked at. */
  get #isBehind(): boolean {
    return this.#ahead !== undefined || this.#decoder.hasUnparsed;
  }

  /** Counts what is held, and reads on or not. */
  #afterReading(): void {
    if (this.#ending !== undefined) return void this.#socket.resume();
    const held = this.#decoder.held + (this.#ahead?.length ?? 0);
    if (held !== this.#held) {
      linkMemory.inbound += held - this.#held;
      this.#held = held;
    }
    if (!this.#isStarved && linkMemory.isFull(this.limits.memoryBudget)) {
      this.#isStarved = true;
      linkMemory.wait(this, this.limits.memoryBudget);
    }
    if (this.#isStarved || (this.#isBehind && held >= READ_AHEAD)) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Bytes received that are in no delivered message. */
  get held(): number {
    return this.#held;
  }

  onMemory(): void {
    this.#isStarved = false;
    this.#wake();
  }

  onStuck(): void {
    this.#fail(outOfBudget(this.#held, this.limits.memoryBudget));
  }

  /** Has what is held delivered from the event loop. */
  #wake(): void {
    if (this.#isDispatching || this.#isWaking) return;
    this.#isWaking = true;
    process.nextTick(wake, this);
  }

  onTurn(): void {
    this.onWake();
  }

  /** Delivers what is held and reads on. */
  onWake(): void {
    this.#isWaking = false;
    if (this.#ending === undefined && !this.#isPaused && this.#isBehind) this.#dispatch();
    if (this.#isOver) return this.#tellOver();
    if (this.#ending !== undefined || this.#socket.destroyed) return;
    this.#afterReading();
    this.#checkEnd();
  }

  /** The kernel has taken something, or that is to be looked at anew. */
  onProgress(): void {
    if (this.#socket.destroyed) return;
    if (this.#ending !== undefined) this.#restartCloseTimer();
    if (this.#wantsDrain && this.isLow()) {
      this.#wantsDrain = false;
      this.handler.onDrain();
    }
    if (this.#wantsEmpty && this.#writer.messages === 0) {
      this.#wantsEmpty = false;
      this.handler.onEmpty();
    }
  }

  /** The peer has ended its side. */
  onSocketEnd(): void {
    this.#peerEnded = true;
    // A dialled link has its handler once the promise of its caller is settled, not before.
    if (this.handler !== undefined) this.#checkEnd();
  }

  /** Tells of the peer's end once everything before it is delivered; inside a message it is a fault. */
  #checkEnd(): void {
    if (!this.#peerEnded || this.#isEndTold || this.#ending !== undefined) return;
    if (this.#isBehind) return this.#bePatient();
    this.#isEndTold = true;
    this.#patience?.end();
    // Behind an alert `node:tls` ends the stream as if all were well.
    if (this.#socketError !== undefined) this.#fail(this.#lost(this.#socketError));
    else if (this.#decoder.held === 0) this.handler.onEnd();
    else this.#fail(truncated(this.#decoder.held));
  }

  onSocketError(error: Error): void {
    this.#socketError = error;
    if (this.#ending !== undefined && this.#ending.error === undefined) this.#fail(this.#lost(error));
  }

  #bePatient(): void {
    this.#patience ??= new Patience(this, this.limits.closeTimeoutMs);
  }

  get isHeard(): boolean {
    return this.handler.isHeard;
  }

  giveUp(): void {
    this.#fail(unheard());
  }

  #lost(cause: unknown): QWormholeError {
    const context = { during: 'io', what: peerText(this.info) } as const;
    if (this.info.tls === undefined) return fromSystem(cause, context);
    const isSilentClient = this.#isAccepted && this.#socket.bytesRead === 0;
    return isSilentClient ? faultOfSilentClient(cause, context) : faultOfTls(cause, context);
  }

  #fail(error: QWormholeError): void {
    this.#kill(faultClose(error));
  }

  /** An unclean end. Of two reasons the first is told; the fault that spoils an end in order comes with it. */
  #kill(close: LinkClose): void {
    if (this.#ending === undefined) this.#ending = close;
    else if (this.#ending.clean) this.#ending = { ...this.#ending, clean: false, error: close.error };
    this.ended = true;
    this.#forgetReceived();
    if (this.#isOver) this.#wake();
    else resetSocket(this.#socket);
  }

  #forgetReceived(): void {
    this.#decoder.clear();
    this.#intake?.stop();
    this.#ahead = undefined;
    this.#patience?.end();
    linkMemory.inbound -= this.#held;
    this.#held = 0;
    linkMemory.forget(this);
  }

  /** The peer has so long to take our next bytes and to end its side. */
  #restartCloseTimer(): void {
    clearTimeout(this.#closeTimer);
    const { closeTimeoutMs } = this.limits;
    // What we hold back ourselves is not the peer's delay.
    const expire = (): void =>
      this.#writer.isHeld ? this.#restartCloseTimer() : this.#fail(closeTimeout(closeTimeoutMs));
    this.#closeTimer = setTimeout(expire, closeTimeoutMs).unref();
  }

  /** The end. */
  onSocketClose(): void {
    clearTimeout(this.#closeTimer);
    this.ended = true;
    this.#isOver = true;
    this.#tellOver();
  }

  /** Tells of the end once everything before it is delivered. */
  #tellOver(): void {
    if (this.#isOverTold) return;
    if (this.#ending === undefined && this.#isBehind) return this.#bePatient();
    this.#isOverTold = true;
    this.#forgetReceived();
    const close = this.#ending ?? faultClose(this.#lost(this.#socketError ?? 'the socket was closed'));
    const isWhole = this.#peerEnded && this.#writer.messages === 0;
    this.handler.onClose(close.clean && !isWhole ? { ...close, clean: false } : close);
    this.#writer.discard();
  }
}

function onData(this: LinkedSocket, chunk: Buffer): void {
  this[LINK].onData(chunk);
}

function onEnd(this: LinkedSocket): void {
  this[LINK].onSocketEnd();
}

function onError(this: LinkedSocket, error: Error): void {
  this[LINK].onSocketError(error);
}

function onClose(this: LinkedSocket): void {
  this[LINK].onSocketClose();
}

function wake(link: TsLink): void {
  link.onWake();
}

function progress(link: TsLink): void {
  link.onProgress();
}
