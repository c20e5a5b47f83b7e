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
import { faultClose, unheard } from '../fault.js';
import type {
  Carrier,
  ClassIndex,
  LinkClose,
  LinkInfo,
  LinkLimits,
  Protocol,
  SendResult,
  SharedMessage,
} from '../link.js';
import { chunkMemory } from './chunk-memory.js';
import { discard } from './discard.js';
import { rateLimited, truncated } from './faults.js';
import { flusher } from './flusher.js';
import { FrameDecoder } from './frame-decoder.js';
import { bare, lengthPrefixed } from './framing.js';
import { READ_AHEAD } from './memory.js';
import { CHUNK, Intake } from './pace.js';
import { environmentTurn } from '../turn.js';
import { peerText } from '../place.js';
import { RawDecoder } from './raw-decoder.js';
import { SocketLink } from './socket-link.js';
import { SocketWriter } from './socket-writer.js';
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

export class TsLink extends SocketLink {
  readonly info: LinkInfo;
  readonly #decoder: FrameDecoder | RawDecoder;
  protected readonly outbox: SocketWriter;
  /** Set: what is received is bounded. */
  readonly #intake: Intake | undefined;
  readonly #isAccepted: boolean;
  /** Read and not given to the decoder, which has enough to do. */
  #ahead: Buffer | undefined;
  #isDispatching = false;
  /** The peer has ended its side. */
  #peerEnded = false;
  #isEndTold = false;
  /** Why the socket is gone, if the peer did it. */
  #socketError: Error | undefined;
  /** The socket is gone; the end is told after what is held. */
  #isOver = false;

  constructor(socket: Socket, protocol: Protocol, limits: LinkLimits, { carrier, isAccepted }: Origin) {
    super(socket, limits);
    this.#isAccepted = isAccepted;
    const framed = protocol === 'length-prefixed';
    this.info = linkInfo(socket, [carrier, carrier]);
    this.#decoder = framed ? new FrameDecoder(limits.maxMessage) : new RawDecoder();
    this.outbox = new SocketWriter(socket, framed ? lengthPrefixed : bare, this, limits);
    this.#intake = limits.inbound && new Intake(limits.inbound, () => this.wake());
    (socket as LinkedSocket)[LINK] = this;
    socket.on('error', onError);
    socket.on('close', onClose);
    // One with TLS is read already: its end may have come, or come before we start.
    this.#peerEnded = socket.readableEnded;
    socket.on('end', onEnd);
  }

  /** Starts to watch the socket; the owner has set its handler. */
  start(): void {
    if (this.socket.destroyed) return this.wake();
    this.socket.on('data', onData);
    this.socket.resume();
    this.#checkEnd();
  }

  override sendShared({ payload, size, isText }: SharedMessage, cls: ClassIndex): SendResult {
    return this.send(payload, cls, size, isText);
  }

  protected enqueueBytes(payload: Uint8Array, cls: ClassIndex, size: number, isText: boolean): void {
    this.outbox.write(payload, size, cls, isText);
  }

  protected enqueueString(payload: string, cls: ClassIndex, size: number, isText: boolean): void {
    this.outbox.writeString(payload, size, cls, isText);
  }

  close(code: number, reason: string): void {
    if (this.ending !== undefined) return;
    this.ended = true;
    this.ending = { code, reason, clean: true };
    this.forgetReceived();
    if (this.#isOver) return this.wake();
    this.restartCloseTimer();
    // What still comes is read and thrown away, so that the peer gets as far as its end.
    if (!this.#isDispatching) this.socket.resume();
    this.outbox.end(() => this.socket.end());
  }

  terminate(code: number, reason: string): void {
    // The reset is what ends it, whatever was asked for before.
    this.ending = { code, reason, clean: false, error: this.ending?.error };
    this.kill(this.ending);
  }

  /** The socket has read a chunk. */
  onData(chunk: Buffer): void {
    if (this.ending !== undefined) return discard(chunk);
    chunkMemory.add(chunk.length);
    this.#intake?.arrived();
    if (this.#isUnparsed)
      this.#ahead = this.#ahead === undefined ? chunk : Buffer.concat([this.#ahead, chunk]);
    else this.#decoder.push(chunk);
    if (!this.isPaused) this.#dispatch();
    else this.#check();
    if (this.#intake !== undefined && chunk.length < CHUNK && !this.#isUnparsed) this.#intake.caughtUp();
    this.#afterReading();
  }

  /** Delivers the messages that are whole, until there are none or the owner wants no more. */
  #dispatch(): void {
    const isOutermost = flusher.begin();
    this.#isDispatching = true;
    try {
      while (!this.isPaused && this.ending === undefined) {
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
  get #isUnparsed(): boolean {
    return this.#ahead !== undefined || this.#decoder.hasUnparsed;
  }

  /** Counts what is held, and reads on or not. */
  #afterReading(): void {
    if (this.ending !== undefined) return void this.socket.resume();
    this.count(this.#decoder.held + (this.#ahead?.length ?? 0));
    this.checkMemory();
    if (this.isStarved || (this.#isUnparsed && this.held >= READ_AHEAD)) this.socket.pause();
    else if (this.socket.isPaused()) this.socket.resume();
  }

  protected override wake(): void {
    if (!this.#isDispatching) super.wake();
  }

  /** Delivers what is held and reads on. */
  onTurn(): void {
    if (this.ending === undefined && !this.isPaused && this.#isUnparsed) this.#dispatch();
    if (this.#isOver) return this.tellOver();
    if (this.ending !== undefined || this.socket.destroyed) return;
    this.#afterReading();
    this.#checkEnd();
  }

  override onProgress(): void {
    if (!this.socket.destroyed) super.onProgress();
  }

  /** The peer has ended its side. */
  onSocketEnd(): void {
    this.#peerEnded = true;
    // A dialled link has its handler once the promise of its caller is settled, not before.
    if (this.handler !== undefined) this.#checkEnd();
  }

  /** Tells of the peer's end once everything before it is delivered; inside a message it is a fault. */
  #checkEnd(): void {
    if (!this.#peerEnded || this.#isEndTold || this.ending !== undefined) return;
    if (this.#isUnparsed) return this.bePatient();
    this.#isEndTold = true;
    this.patience?.end();
    // Behind an alert `node:tls` ends the stream as if all were well.
    if (this.#socketError !== undefined) this.#fail(this.#lost(this.#socketError));
    else if (this.#decoder.held === 0) this.handler.onEnd();
    else this.#fail(truncated(this.#decoder.held));
  }

  onSocketError(error: Error): void {
    this.#socketError = error;
    if (this.ending !== undefined && this.ending.error === undefined) this.#fail(this.#lost(error));
  }

  giveUp(): void {
    this.#fail(unheard());
  }

  #lost(cause: unknown): QWormholeError {
    const context = { during: 'io', what: peerText(this.info) } as const;
    if (this.info.tls === undefined) return fromSystem(cause, context);
    const isSilentClient = this.#isAccepted && this.socket.bytesRead === 0;
    return isSilentClient ? faultOfSilentClient(cause, context) : faultOfTls(cause, context);
  }

  #fail(error: QWormholeError): void {
    this.kill(faultClose(error));
  }

  protected override forgetReceived(): void {
    this.#decoder.clear();
    this.#intake?.stop();
    this.#ahead = undefined;
    super.forgetReceived();
  }

  protected onCloseTimeout(close: LinkClose): void {
    this.kill(close);
  }

  /** The end. */
  onSocketClose(): void {
    this.stopCloseTimer();
    this.ended = true;
    this.#isOver = true;
    this.tellOver();
  }

  protected get isOver(): boolean {
    return this.#isOver;
  }

  protected get isParting(): boolean {
    return this.ending !== undefined;
  }

  protected get isBehind(): boolean {
    return this.ending === undefined && this.#isUnparsed;
  }

  protected outcome(): LinkClose {
    const close = this.ending ?? faultClose(this.#lost(this.#socketError ?? 'the socket was closed'));
    const isWhole = this.#peerEnded && this.outbox.messages === 0;
    return close.clean && !isWhole ? { ...close, clean: false } : close;
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
