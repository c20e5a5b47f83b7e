/**
 * What a client keeps while it has no connection: bounded in bytes and in age, in order within a class. What has no
 * room is a matter of the option `overflow`, as it is with a connection.
 */
import { environmentBudget } from '../link/budget.js';
import type { ClassIndex, DropReason } from '../link/link.js';
import type { OfflineQueueSettings } from '../options/settings.js';
import type { Amount } from '../stats.js';
import { Backlog, type Outgoing } from './backlog.js';
import type { Overflow } from './overflow.js';

/** A message counts as at least this many bytes towards the bound, or empty ones would be free. */
const MIN_COST = 16;

const CLASSES: readonly ClassIndex[] = [0, 1, 2];

/** A message that waits. */
export interface OfflineMessage extends Outgoing {
  /** When it was queued, ms. */
  readonly since: number;
}

/** How a message is queued. */
export interface OfflineManner {
  readonly cls: ClassIndex;
  readonly isText: boolean;
  readonly key: string | undefined;
  readonly overflow: Overflow;
}

const PLAIN: OfflineManner = { cls: 1, isText: false, key: undefined, overflow: 'drop-newest' };

export class OfflineQueue {
  readonly #settings: OfflineQueueSettings;
  readonly #memoryBudget: number;
  readonly #lose: (reason: DropReason, size: number) => void;
  readonly #waiting = new Backlog<OfflineMessage>(MIN_COST);

  /** @param lose Hears of messages that were accepted and are dropped for others. */
  constructor(
    settings: OfflineQueueSettings,
    memoryBudget: number,
    lose: (reason: DropReason, size: number) => void = () => {},
  ) {
    this.#settings = settings;
    this.#memoryBudget = memoryBudget;
    this.#lose = lose;
  }

  /** Payload bytes held. */
  get bytes(): number {
    return this.#waiting.bytes;
  }

  /** Messages held. */
  get messages(): number {
    return this.#waiting.messages;
  }

  get isEmpty(): boolean {
    return this.#waiting.isEmpty;
  }

  /** When the oldest message is too old, ms; `undefined` if there is none. */
  get expiresAt(): number | undefined {
    const oldest = this.#oldest();
    return oldest && oldest.since + this.#settings.maxAgeMs;
  }

  /** Keeps a message, copying its bytes; or says why not. */
  push(
    payload: string | Uint8Array,
    size: number,
    now: number,
    { cls, isText, key, overflow }: OfflineManner = PLAIN,
  ): DropReason | undefined {
    const twin = overflow === 'conflate' ? this.#waiting.withKey(key) : undefined;
    const refusal = this.#makeRoom(size, cls, overflow, twin);
    if (refusal !== undefined) return refusal;
    if (twin !== undefined) this.#drop(twin, 'conflated');
    const kept = typeof payload === 'string' ? payload : Uint8Array.prototype.slice.call(payload);
    // Behind the others, also where it replaces one: nothing is sent in between, and ages stay in order.
    this.#waiting.push({ payload: kept, size, cls, isText, key, since: now });
    return undefined;
  }

  /** The message that goes next: the oldest of the highest class. */
  peek(): OfflineMessage | undefined {
    return this.#waiting.first();
  }

  /** Takes that message out. */
  shift(): void {
    this.#waiting.remove(this.#waiting.first()!);
  }

  /** Drops what is too old and says how much that was. */
  expire(now: number): Amount {
    const gone = { messages: 0, bytes: 0 };
    for (let oldest = this.#oldest(); oldest !== undefined; oldest = this.#oldest()) {
      if (oldest.since + this.#settings.maxAgeMs > now) break;
      gone.messages += 1;
      gone.bytes += oldest.size;
      this.#waiting.remove(oldest);
    }
    return gone;
  }

  /** Drops everything and says how much that was. */
  clear(): Amount {
    return this.#waiting.clear();
  }

  #oldest(): OfflineMessage | undefined {
    let oldest: OfflineMessage | undefined;
    for (const cls of CLASSES) {
      const first = this.#waiting.oldestOf(cls);
      if (first !== undefined && !(oldest !== undefined && oldest.since <= first.since)) oldest = first;
    }
    return oldest;
  }

  /** Why there is no room for a message; where its policy says so, what is older makes room. */
  #makeRoom(
    size: number,
    cls: ClassIndex,
    overflow: Overflow,
    twin?: OfflineMessage,
  ): DropReason | undefined {
    const waiting = this.#waiting;
    const cost = waiting.costOf(size) - (twin === undefined ? 0 : waiting.costOf(twin.size));
    if (environmentBudget.used() + cost > this.#memoryBudget) return 'budget';
    const room = this.#settings.maxBytes - cost;
    if (waiting.cost <= room) return undefined;
    if (overflow !== 'drop-oldest' || waiting.costAbove(cls) > room) return 'queue-full';
    while (waiting.cost > room) this.#drop(waiting.leastOf(cls)!, 'displaced');
    return undefined;
  }

  #drop(message: OfflineMessage, reason: DropReason): void {
    this.#waiting.remove(message);
    this.#lose(reason, message.size);
  }
}
