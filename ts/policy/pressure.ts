/**
 * What a connection does with its messages while its link takes no more, or while they exceed a hard rate: the
 * way of those that `send` cannot simply hand on. Links know nothing of it.
 *
 * Under a policy that may drop what it has accepted, messages above the high watermark wait in a backlog, and
 * the link is fed again when it has fallen to the low one. The bound is the same for all: `maxQueued`, for link
 * and backlog together.
 */
import { CloseCode } from '../close-codes.js';
import { tooBig } from '../errors/error.js';
import { environmentBudget } from '../link/budget.js';
import type { DropReason, Link, SendResult } from '../link/link.js';
import { MIN_COST } from '../link/min-cost.js';
import { nanoseconds, Throttle } from '../link/rate.js';
import type { SharedSettings } from '../options/settings.js';
import { Backlog, type Outgoing } from './backlog.js';
import { keepsBacklog, type Overflow, type SharedManner } from './overflow.js';

/** How soon a link is fed again that has refused something, ms. */
const FEED_AGAIN_MS = 50;

/** The connection. */
export interface PressureHost {
  /** `send` has answered `backpressure`, and `drain` has not come yet. */
  readonly isBackpressured: boolean;
  accept(size: number, result: 'sent' | 'backpressure'): SendResult;
  drop(reason: DropReason, size: number): 'dropped';
  /** A message that was accepted is dropped. */
  lose(reason: DropReason, size: number): void;
  /** There was no room, and the policy is to close. */
  endLink(code: number, reason: string): void;
  /** Looks at what waits again. */
  feed(): void;
}

export class Pressure {
  readonly #settings: SharedSettings;
  readonly #host: PressureHost;
  /** What happens when the peer takes less than is sent to it; at first the option of the same name. */
  overflow: Overflow;
  /** A hard bound of what may be sent. */
  readonly #quota: Throttle | undefined;
  /** While something waits, and until the link is low behind it. */
  #backlog: Backlog | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: SharedSettings, host: PressureHost) {
    this.#settings = settings;
    this.#host = host;
    this.overflow = settings.overflow;
    const { outboundRate } = settings;
    this.#quota = outboundRate?.isHard ? new Throttle(outboundRate) : undefined;
  }

  /** Payload bytes that wait. */
  get bytes(): number {
    return this.#backlog?.bytes ?? 0;
  }

  /** Messages that wait. */
  get messages(): number {
    return this.#backlog?.messages ?? 0;
  }

  /** Sends a message, or has it wait, or drops it. `manner`: of one for many, whose bytes nobody changes any more. */
  send(link: Link, message: Outgoing, manner?: SharedManner): SendResult {
    const { size } = message;
    const overflow = this.#overflowOf(manner);
    const isShared = manner !== undefined;
    const { maxMessage } = this.#settings;
    if (size > maxMessage) throw tooBig(size, maxMessage);
    const quota = this.#quota;
    if (quota === undefined) return this.#route(link, message, overflow, isShared);
    const now = nanoseconds();
    if (quota.wait(size, now) > 0) return this.#host.drop('rate-limited', size);
    const result = this.#route(link, message, overflow, isShared);
    if (result !== 'dropped') quota.take(size, 1, now);
    return result;
  }

  /** What becomes of a message that the link has refused. */
  refused(link: Link, message: Outgoing, manner?: SharedManner): SendResult {
    return this.#refused(link, message, this.#overflowOf(manner), manner !== undefined);
  }

  #refused(link: Link, message: Outgoing, overflow: Overflow, isShared: boolean): SendResult {
    const { dropReason } = link;
    const isFull = dropReason === 'queue-full';
    if (isFull && overflow === 'block' && !this.#host.isBackpressured)
      return this.#wait(link, message, isShared);
    const result = this.#host.drop(dropReason, message.size);
    if (isFull && overflow === 'close') this.#host.endLink(CloseCode.rejected_by_policy, 'the queue is full');
    return result;
  }

  /** Gives the link what waits, as far as it takes it. True once nothing waits and the link is low. */
  feed(link: Link): boolean {
    const backlog = this.#backlog;
    if (backlog === undefined) return true;
    for (let next = backlog.first(); next !== undefined; next = backlog.first()) {
      const result = link.send(next.payload, next.cls, next.size, next.isText);
      if (result === 'dropped') {
        this.#feedLater();
        return false;
      }
      backlog.remove(next);
      if (result === 'backpressure') return false;
    }
    if (link.bufferedAmount > this.#settings.lowWaterMark) {
      link.notifyDrain();
      return false;
    }
    this.#backlog = undefined;
    return true;
  }

  /** Gives the link all that waits: our side ends next. */
  handOver(link: Link): void {
    const backlog = this.#backlog;
    if (backlog === undefined) return;
    for (let next = backlog.first(); next !== undefined; next = backlog.first()) {
      backlog.remove(next);
      const result = link.send(next.payload, next.cls, next.size, next.isText);
      if (result === 'dropped') this.#host.lose(link.dropReason, next.size);
    }
    this.clear();
  }

  /** Drops what waits and says how much that was. */
  clear(): { bytes: number; messages: number } {
    clearTimeout(this.#timer);
    const gone = this.#backlog?.clear() ?? { bytes: 0, messages: 0 };
    this.#backlog = undefined;
    return gone;
  }

  #overflowOf(manner: SharedManner | undefined): Overflow {
    const overflow = manner?.overflow ?? this.overflow;
    // Nobody waits for the one slow connection of many.
    return overflow === 'block' && manner !== undefined ? 'drop-newest' : overflow;
  }

  #route(link: Link, message: Outgoing, overflow: Overflow, isShared: boolean): SendResult {
    const mayWait = this.#host.isBackpressured && keepsBacklog(overflow);
    if (this.#backlog === undefined && !mayWait) return this.#direct(link, message, overflow, isShared);
    const twin = overflow === 'conflate' ? this.#backlog?.withKey(message.key) : undefined;
    const refusal = this.#makeRoom(link, message, overflow, twin);
    if (refusal !== undefined) {
      const result = this.#host.drop(refusal, message.size);
      if (refusal === 'queue-full' && overflow === 'close')
        this.#host.endLink(CloseCode.rejected_by_policy, 'the queue is full');
      return result;
    }
    if (twin === undefined) return this.#join(link, message, overflow, isShared);
    this.#host.lose('conflated', twin.size);
    if (twin.cls === message.cls) this.#backlog!.replace(twin, owned(message, isShared));
    else this.#backlog!.remove(twin);
    if (twin.cls !== message.cls) return this.#join(link, message, overflow, isShared);
    return this.#host.accept(message.size, 'backpressure');
  }

  /** Has a message wait behind the others, or overtake them all. */
  #join(link: Link, message: Outgoing, overflow: Overflow, isShared: boolean): SendResult {
    const { highWaterMark, lowWaterMark } = this.#settings;
    const overtakes = this.#backlog !== undefined && this.#backlog.isOvertakenBy(message.cls);
    // A little more than the link should hold is for what is urgent: so it overtakes what the link has, too.
    const hasRoom = link.bufferedAmount + message.size <= highWaterMark + lowWaterMark;
    if (overtakes && hasRoom && !this.#backlog!.isEmpty)
      return this.#direct(link, message, overflow, isShared);
    return this.#wait(link, message, isShared);
  }

  #direct(link: Link, message: Outgoing, overflow: Overflow, isShared: boolean): SendResult {
    const { payload, cls, size, isText } = message;
    const result = link.send(payload, cls, size, isText);
    if (result === 'dropped') return this.#refused(link, message, overflow, isShared);
    return this.#host.accept(size, result);
  }

  #wait(link: Link, message: Outgoing, isShared: boolean): SendResult {
    this.#backlog ??= new Backlog();
    this.#backlog.push(owned(message, isShared));
    const result = this.#host.accept(message.size, 'backpressure');
    link.notifyDrain();
    return result;
  }

  /** Why there is no room for a message; where its policy says so, what is older makes room. */
  #makeRoom(link: Link, message: Outgoing, overflow: Overflow, twin?: Outgoing): DropReason | undefined {
    const { maxQueued, memoryBudget } = this.#settings;
    const backlog = (this.#backlog ??= new Backlog());
    const cost = backlog.costOf(message.size) - (twin === undefined ? 0 : backlog.costOf(twin.size));
    const inLink = Math.max(link.bufferedAmount, link.bufferedMessages * MIN_COST);
    if (environmentBudget.used() + cost > memoryBudget) return 'budget';
    const room = maxQueued - inLink - cost;
    if (backlog.cost <= room) return undefined;
    if (overflow !== 'drop-oldest' || backlog.costAbove(message.cls) > room) return 'queue-full';
    while (backlog.cost > room) {
      const oldest = backlog.leastOf(message.cls)!;
      backlog.remove(oldest);
      this.#host.lose('displaced', oldest.size);
    }
    return undefined;
  }

  #feedLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#host.feed(), FEED_AGAIN_MS).unref();
  }
}

/** The same with memory that nobody changes any more. */
function owned(message: Outgoing, isShared: boolean): Outgoing {
  const { payload } = message;
  if (isShared || typeof payload === 'string') return message;
  return { ...message, payload: Uint8Array.prototype.slice.call(payload) };
}
