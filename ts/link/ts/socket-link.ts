/**
 * What is the same for every link over a `net.Socket`, whatever it speaks: what its owner hears of its queue, the
 * pause, its part of the environment's memory, how long its peer may take to end, and that its end comes last.
 */
import type { Socket } from 'node:net';
import { BoundedLink } from '../bounded-link.js';
import { faultClose } from '../fault.js';
import type { ClassIndex, LinkClose, LinkHandler, LinkInfo, LinkLimits, SendResult } from '../link.js';
import { Patience, type Forsaken } from '../patience.js';
import type { Waiter } from '../turn.js';
import { closeTimeout, outOfBudget } from './faults.js';
import { linkMemory, type Starved } from './memory.js';
import type { OutboxOwner } from './outbox-owner.js';
import { resetSocket } from './reset.js';
import { exportFrom } from './tls-export.js';

/** What waits to go out. */
export interface Outbox {
  /** Bytes of payload that are accepted and not yet taken by the kernel. */
  readonly payload: number;
  /** Messages of which the same is true. */
  readonly messages: number;
  /** Something waits for our own reasons, and not for the peer. */
  readonly isHeld: boolean;
  /** Puts a message behind another of the same tick; false if that cannot be. */
  append(payload: Uint8Array, size: number, cls: ClassIndex, isText: boolean): boolean;
  flush(): void;
  /** The link is over: nothing goes out any more. */
  discard(): void;
}

export abstract class SocketLink extends BoundedLink implements OutboxOwner, Starved, Forsaken, Waiter {
  readonly mode = 'ts';
  abstract override readonly info: LinkInfo;
  declare handler: LinkHandler;
  protected readonly socket: Socket;
  protected abstract readonly outbox: Outbox;
  protected isPaused = true;
  /** The environment holds too much: nothing is read until it holds less. */
  protected isStarved = false;
  /** How it ends, once that is decided: by our wish or by a fault. */
  protected ending: LinkClose | undefined;
  #isWaking = false;
  #wantsDrain = false;
  #wantsEmpty = false;
  #isOverTold = false;
  /** Bytes of `linkMemory.inbound` that are ours. */
  #held = 0;
  /** Runs while the peer's end waits behind what is held. */
  protected patience: Patience | undefined;
  #closeTimer: NodeJS.Timeout | undefined;

  protected constructor(socket: Socket, limits: LinkLimits) {
    super(limits);
    this.socket = socket;
  }

  // --- What each kind says of itself ---

  /** The socket is gone. */
  protected abstract get isOver(): boolean;
  /** One of the ends has said, or is to say, its last word. */
  protected abstract get isParting(): boolean;
  /** What the peer sent before its end is not all delivered. */
  protected abstract get isBehind(): boolean;
  /** How it ended, once it is over. */
  protected abstract outcome(): LinkClose;
  /** The peer took too long to end. */
  protected abstract onCloseTimeout(close: LinkClose): void;
  abstract onTurn(): void;
  abstract giveUp(): void;

  // --- Sending ---

  override send(payload: string | Uint8Array, cls: ClassIndex, size: number, isText: boolean): SendResult {
    // Most messages find room behind another of the same tick: no limit but the size of one can concern them.
    if (typeof payload !== 'string' && !this.ended && size <= this.maxSend) {
      if (this.outbox.append(payload, size, cls, isText)) return 'sent';
    }
    return super.send(payload, cls, size, isText);
  }

  get bufferedAmount(): number {
    return this.outbox.payload;
  }

  get bufferedMessages(): number {
    return this.outbox.messages;
  }

  notifyDrain(): void {
    this.#wantsDrain = true;
  }

  notifyEmpty(): void {
    this.#wantsEmpty = true;
    if (this.outbox.messages === 0) process.nextTick(progress, this);
  }

  flush(): void {
    this.outbox.flush();
  }

  /** The kernel has taken something, or that is to be looked at anew. */
  onProgress(): void {
    if (this.isOver || this.handler === undefined) return;
    if (this.isParting) this.restartCloseTimer();
    if (this.#wantsDrain && this.isLow()) {
      this.#wantsDrain = false;
      this.handler.onDrain();
    }
    if (this.#wantsEmpty && this.outbox.messages === 0) {
      this.#wantsEmpty = false;
      this.handler.onEmpty();
    }
  }

  // --- Receiving ---

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.wake();
  }

  /** Has what is held, and the end behind it, delivered from the event loop. */
  protected wake(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    process.nextTick(wake, this);
  }

  /** @internal It is awake. */
  onWake(): void {
    this.#isWaking = false;
    this.onTurn();
  }

  /** Bytes received that are in no delivered message. */
  get held(): number {
    return this.#held;
  }

  protected count(held: number): void {
    linkMemory.inbound += held - this.#held;
    this.#held = held;
  }

  /** Asks to be told of memory if the environment holds too much. */
  protected checkMemory(): void {
    if (this.isStarved || !linkMemory.isFull(this.limits.memoryBudget)) return;
    this.isStarved = true;
    linkMemory.wait(this, this.limits.memoryBudget);
  }

  onMemory(): void {
    this.isStarved = false;
    this.wake();
  }

  onStuck(): void {
    this.kill(faultClose(outOfBudget(this.#held, this.limits.memoryBudget)));
  }

  get isHeard(): boolean {
    return this.handler.isHeard;
  }

  // --- Ending ---

  /** An unclean end. Of two reasons the first is told; the fault that spoils an end in order comes with it. */
  protected kill(close: LinkClose): void {
    if (this.ending === undefined) this.ending = close;
    else if (this.ending.clean) this.ending = { ...this.ending, clean: false, error: close.error };
    this.ended = true;
    this.forgetReceived();
    if (this.isOver) this.wake();
    else resetSocket(this.socket);
  }

  /** Drops what is received and not delivered. */
  protected forgetReceived(): void {
    this.patience?.end();
    this.count(0);
    linkMemory.forget(this);
  }

  /** The peer has so long to take our next bytes and to end its side. */
  protected restartCloseTimer(): void {
    clearTimeout(this.#closeTimer);
    this.#closeTimer = setTimeout(expire, this.limits.closeTimeoutMs, this).unref();
  }

  protected stopCloseTimer(): void {
    clearTimeout(this.#closeTimer);
  }

  /** It is for us, not for the peer, that the end does not come. */
  protected get isHolding(): boolean {
    return this.outbox.isHeld;
  }

  /** @internal The close timer has run out. */
  onCloseTimer(): void {
    if (this.isHolding) this.restartCloseTimer();
    else this.onCloseTimeout(faultClose(closeTimeout(this.limits.closeTimeoutMs)));
  }

  /** What the peer said before its end comes first, for as long as somebody wants it. */
  protected bePatient(): void {
    this.patience ??= new Patience(this, this.limits.closeTimeoutMs);
  }

  /** Tells of the end, once, behind everything before it. */
  protected tellOver(): void {
    // Without a handler yet it is told from the turn in which there is one.
    if (!this.isOver || this.#isOverTold || this.handler === undefined) return;
    if (this.isBehind) return this.bePatient();
    this.#isOverTold = true;
    this.forgetReceived();
    this.handler.onClose(this.outcome());
    this.outbox.discard();
  }

  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Buffer {
    return exportFrom(this.socket, label, length, context);
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }
}

// Functions that all links share: an idle link has no closures.

function wake(link: SocketLink): void {
  link.onWake();
}

function progress(link: SocketLink): void {
  link.onProgress();
}

function expire(link: SocketLink): void {
  link.onCloseTimer();
}
