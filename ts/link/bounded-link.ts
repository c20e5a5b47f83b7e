/**
 * The outbound half that both drivers share: what is accepted, what is refused, and what `send` says
 * about it. A driver supplies the queue itself and the count of bytes the kernel has taken.
 */
import { tooBig } from '../errors/error.js';
import { environmentBudget } from './budget.js';
import { Coalescing, type Sender } from './coalescing.js';
import type {
  ClassIndex,
  DropReason,
  Link,
  LinkHandler,
  LinkInfo,
  LinkLimits,
  Mode,
  SendResult,
  SharedMessage,
} from './link.js';
import { MIN_COST } from './min-cost.js';

export abstract class BoundedLink implements Link, Sender {
  abstract readonly mode: Mode;
  abstract readonly info: LinkInfo;
  abstract handler: LinkHandler;
  abstract get bufferedAmount(): number;
  /** Messages accepted and not yet wholly taken by the kernel. */
  abstract get bufferedMessages(): number;
  dropReason: DropReason = 'closed';
  /** Set once our side ends or the link dies: nothing is accepted from then on. */
  protected ended = false;

  maxSend: number;

  protected constructor(protected readonly limits: LinkLimits) {
    this.maxSend = limits.maxMessage;
  }

  /** Decides how long what is sent waits for more, where that depends. */
  coalescing(): Coalescing | undefined {
    const { coalescing } = this.limits;
    return coalescing && new Coalescing(coalescing, () => this.handler.traffic?.messagesIn ?? 0);
  }

  /** Queues bytes that fit; they may be reused by the caller afterwards. */
  protected abstract enqueueBytes(payload: Uint8Array, cls: ClassIndex, size: number, isText: boolean): void;
  /** Queues a string that fits as UTF-8. */
  protected abstract enqueueString(payload: string, cls: ClassIndex, size: number, isText: boolean): void;
  /** Idempotent until `onDrain` has followed. */
  abstract notifyDrain(): void;

  /** Queues a message that fits and that other links get too: a driver that can share it does. */
  protected enqueueShared({ payload, size, isText }: SharedMessage, cls: ClassIndex): void {
    this.enqueueBytes(payload, cls, size, isText);
  }

  send(payload: string | Uint8Array, cls: ClassIndex, size: number, isText: boolean): SendResult {
    if (this.ended) return this.#drop('closed');
    if (size > this.maxSend) throw tooBig(size, this.maxSend);
    const buffered = this.bufferedAmount;
    const messages = this.bufferedMessages;
    if (!this.#admits(size, buffered, messages)) return 'dropped';
    if (typeof payload === 'string') this.enqueueString(payload, cls, size, isText);
    else this.enqueueBytes(payload, cls, size, isText);
    return this.#accepted(buffered + size, messages + 1);
  }

  sendShared(message: SharedMessage, cls: ClassIndex): SendResult {
    if (this.ended) return this.#drop('closed');
    // What is too big for this peer is none of the others' business.
    if (message.size > this.maxSend) return this.#drop('too-big');
    const buffered = this.bufferedAmount;
    const messages = this.bufferedMessages;
    if (!this.#admits(message.size, buffered, messages)) return 'dropped';
    this.enqueueShared(message, cls);
    return this.#accepted(buffered + message.size, messages + 1);
  }

  #admits(size: number, buffered: number, messages: number): boolean {
    const { maxQueued, memoryBudget } = this.limits;
    if (buffered !== 0 && buffered + size > maxQueued) this.dropReason = 'queue-full';
    else if (messages * MIN_COST >= maxQueued) this.dropReason = 'queue-full';
    else if (environmentBudget.used() + size > memoryBudget) this.dropReason = 'budget';
    else return true;
    return false;
  }

  /** What waits by now at most: to count again costs as much as to queue. */
  #accepted(buffered: number, messages: number): SendResult {
    const high = this.limits.highWaterMark;
    if (buffered < high && messages * MIN_COST < high) return 'sent';
    this.notifyDrain();
    return 'backpressure';
  }

  /** The low watermark as a number of messages. */
  protected get lowMessages(): number {
    return Math.floor(this.limits.lowWaterMark / MIN_COST);
  }

  /** The queue fell to the low watermark, in bytes and in messages. */
  protected isLow(): boolean {
    return this.bufferedAmount <= this.limits.lowWaterMark && this.bufferedMessages <= this.lowMessages;
  }

  #drop(reason: DropReason): SendResult {
    this.dropReason = reason;
    return 'dropped';
  }

  abstract flush(): void;
  abstract notifyEmpty(): void;
  abstract pause(): void;
  abstract resume(): void;
  abstract close(code: number, reason: string, retryAfterMs?: number, takesRest?: boolean): void;
  abstract terminate(code: number, reason: string): void;
  abstract ref(): void;
  abstract unref(): void;
}
