/** What a client keeps while it has no connection: bounded in bytes and in age, in order. */
import { environmentBudget } from '../link/budget.js';
import type { ClassIndex, DropReason } from '../link/link.js';
import type { OfflineQueueSettings } from '../options/settings.js';
import type { Amount } from '../stats.js';
import { countWaiting } from './waiting-memory.js';

/** A message counts as at least this many bytes towards the bound, or empty ones would be free. */
const MIN_COST = 16;

/** A message that waits. */
export interface OfflineMessage {
  readonly payload: string | Uint8Array;
  /** Payload bytes. */
  readonly size: number;
  readonly cls: ClassIndex;
  readonly isText: boolean;
  /** When it was queued, ms. */
  readonly since: number;
}

export class OfflineQueue {
  readonly #settings: OfflineQueueSettings;
  readonly #memoryBudget: number;
  #messages: OfflineMessage[] = [];
  /** Those before are taken: the array is cut now and then, not at every message. */
  #front = 0;
  #bytes = 0;
  #cost = 0;

  constructor(settings: OfflineQueueSettings, memoryBudget: number) {
    this.#settings = settings;
    this.#memoryBudget = memoryBudget;
  }

  /** Payload bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages held. */
  get messages(): number {
    return this.#messages.length - this.#front;
  }

  get isEmpty(): boolean {
    return this.#front === this.#messages.length;
  }

  /** When the oldest message is too old, ms; `undefined` if there is none. */
  get expiresAt(): number | undefined {
    return this.isEmpty ? undefined : this.#messages[this.#front].since + this.#settings.maxAgeMs;
  }

  /** Keeps a message, copying its bytes; or says why not. */
  push(
    payload: string | Uint8Array,
    size: number,
    cls: ClassIndex,
    now: number,
    isText = false,
  ): DropReason | undefined {
    const cost = Math.max(size, MIN_COST);
    if (this.#cost + cost > this.#settings.maxBytes) return 'queue-full';
    if (environmentBudget.used() + cost > this.#memoryBudget) return 'budget';
    const kept = typeof payload === 'string' ? payload : Uint8Array.prototype.slice.call(payload);
    this.#messages.push({ payload: kept, size, cls, isText, since: now });
    this.#count(size, cost);
    return undefined;
  }

  /** The oldest message. */
  peek(): OfflineMessage | undefined {
    return this.#messages[this.#front];
  }

  /** Takes the oldest message out. */
  shift(): void {
    const { size } = this.#messages[this.#front];
    this.#front += 1;
    this.#count(-size, -Math.max(size, MIN_COST));
    if (this.#front * 2 < this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#front);
    this.#front = 0;
  }

  /** Drops what is too old and says how much that was. */
  expire(now: number): Amount {
    const gone = { messages: 0, bytes: 0 };
    for (let at = this.expiresAt; at !== undefined && at <= now; at = this.expiresAt) {
      gone.messages += 1;
      gone.bytes += this.#messages[this.#front].size;
      this.shift();
    }
    return gone;
  }

  /** Drops everything and says how much that was. */
  clear(): Amount {
    const { bytes, messages } = this;
    this.#messages = [];
    this.#front = 0;
    this.#count(-bytes, -this.#cost);
    return { bytes, messages };
  }

  #count(bytes: number, cost: number): void {
    this.#bytes += bytes;
    this.#cost += cost;
    countWaiting(cost);
  }
}
