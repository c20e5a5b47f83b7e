/**
 * Messages that wait above the seam, by class, where the oldest can still be dropped and those with the same key be
 * replaced: what a connection has accepted above the high watermark, and what a client keeps while it has none.
 */
import type { ClassIndex } from '../link/link.js';
import type { Amount } from '../stats.js';
import { countWaiting } from './waiting-memory.js';

/** A message counts as at least this many bytes, unless told otherwise: what its objects take. */
const MIN_COST = 128;

/** A message on its way. */
export interface Outgoing {
  readonly payload: string | Uint8Array;
  /** Payload bytes. */
  readonly size: number;
  readonly cls: ClassIndex;
  readonly isText: boolean;
  readonly key: string | undefined;
}

/** One that waits, between its neighbours of the same class. */
type Waiting<Message extends Outgoing> = Message & {
  before: Waiting<Message> | undefined;
  behind: Waiting<Message> | undefined;
};

export class Backlog<Message extends Outgoing = Outgoing> implements Readonly<Amount> {
  readonly #minCost: number;
  /** Payload bytes that wait. */
  bytes = 0;
  /** Messages that wait. */
  messages = 0;
  /** Bytes that the messages of each class count for. */
  readonly #costs = [0, 0, 0];
  readonly #oldest: (Waiting<Message> | undefined)[] = [undefined, undefined, undefined];
  readonly #newest: (Waiting<Message> | undefined)[] = [undefined, undefined, undefined];
  /** With the first key. */
  #keys: Map<string, Waiting<Message>> | undefined;

  /** @param minCost A message counts as at least so many bytes. */
  constructor(minCost = MIN_COST) {
    this.#minCost = minCost;
  }

  /** What a message counts for. */
  costOf(size: number): number {
    return Math.max(size, this.#minCost);
  }

  /** Bytes that all messages count for. */
  get cost(): number {
    return this.costAbove(2) + this.#costs[2];
  }

  /** Bytes that the messages of higher classes count for. */
  costAbove(cls: ClassIndex): number {
    let cost = 0;
    for (let index = 0; index < cls; index += 1) cost += this.#costs[index];
    return cost;
  }

  get isEmpty(): boolean {
    return this.messages === 0;
  }

  /** Whether a message of this class may overtake everything that waits. */
  isOvertakenBy(cls: ClassIndex): boolean {
    for (let index = 0; index <= cls; index += 1) if (this.#oldest[index] !== undefined) return false;
    return true;
  }

  /** The message that waits with this key. */
  withKey(key: string | undefined): Message | undefined {
    return key === undefined ? undefined : this.#keys?.get(key);
  }

  /** The message that goes next. */
  first(): Message | undefined {
    return this.#oldest[0] ?? this.#oldest[1] ?? this.#oldest[2];
  }

  /** The oldest of a class. */
  oldestOf(cls: ClassIndex): Message | undefined {
    return this.#oldest[cls];
  }

  /** The one to drop first for a message of class `cls`: the oldest of the lowest class, of none above it. */
  leastOf(cls: ClassIndex): Message | undefined {
    for (let index = 2; index >= cls; index -= 1) {
      const oldest = this.#oldest[index];
      if (oldest !== undefined) return oldest;
    }
    return undefined;
  }

  /** Adds a message whose bytes nobody changes any more. */
  push(message: Message): void {
    this.#insert(message, this.#newest[message.cls], undefined);
  }

  /** Puts a message of the same class in the place of another. */
  replace(waiting: Message, message: Message): void {
    const { before, behind } = waiting as Waiting<Message>;
    this.remove(waiting);
    this.#insert(message, before, behind);
  }

  /** Takes a message out. */
  remove(message: Message): void {
    const { before, behind, cls, size, key } = message as Waiting<Message>;
    if (before === undefined) this.#oldest[cls] = behind;
    else before.behind = behind;
    if (behind === undefined) this.#newest[cls] = before;
    else behind.before = before;
    if (key !== undefined && this.#keys?.get(key) === message) this.#keys.delete(key);
    this.#count(cls, -size, -1, -this.costOf(size));
  }

  /** Drops everything and says how much that was. */
  clear(): Amount {
    const { bytes, messages, cost } = this;
    this.#oldest.fill(undefined);
    this.#newest.fill(undefined);
    this.#costs.fill(0);
    this.#keys = undefined;
    this.bytes = this.messages = 0;
    countWaiting(-cost);
    return { bytes, messages };
  }

  #insert(
    message: Message,
    before: Waiting<Message> | undefined,
    behind: Waiting<Message> | undefined,
  ): void {
    const waiting: Waiting<Message> = { ...message, before, behind };
    const { cls, key, size } = message;
    if (before === undefined) this.#oldest[cls] = waiting;
    else before.behind = waiting;
    if (behind === undefined) this.#newest[cls] = waiting;
    else behind.before = waiting;
    if (key !== undefined) (this.#keys ??= new Map()).set(key, waiting);
    this.#count(cls, size, 1, this.costOf(size));
  }

  #count(cls: ClassIndex, bytes: number, messages: number, cost: number): void {
    this.bytes += bytes;
    this.messages += messages;
    this.#costs[cls] += cost;
    countWaiting(cost);
  }
}
