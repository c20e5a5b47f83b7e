/**
 * The listeners of the event `message`, looked up when they change rather than for every message. Each is
 * called whatever became of the one before.
 */
import type { EventEmitter } from 'node:events';
import { isThenable, type Handlers } from './policy/handlers.js';

type MessageListener = (message: any, connection?: any) => unknown;

/** Whose listeners they are, and who sees to what becomes of them. */
export interface ListenerOwner extends EventEmitter {
  /** One returned an object: a promise, maybe. */
  watch(result: object): void;
  handlerFailed(error: unknown, isRejection: boolean): void;
}

const NOBODY: readonly MessageListener[] = [];

export class MessageListeners {
  readonly #owner: ListenerOwner;
  /** Nearly always there is one. */
  #only: MessageListener | undefined;
  #all: readonly MessageListener[] = NOBODY;

  constructor(owner: ListenerOwner) {
    this.#owner = owner;
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** The listeners are others than before. */
  refresh(): void {
    // Raw: the wrappers of `once` remove themselves when they are called.
    this.#all = this.#owner.rawListeners('message') as MessageListener[];
    this.#only = this.#all.length === 1 ? this.#all[0] : undefined;
  }

  /** A connection's own listeners. What they return is shown to `handlers` too, where their number is bounded. */
  call(message: unknown, handlers?: Handlers): void {
    const only = this.#only;
    if (only === undefined) return this.#callAll([message], handlers);
    try {
      const result: unknown = only.call(this.#owner, message);
      if (typeof result === 'object' && result !== null) this.#returned(result, handlers);
    } catch (error) {
      this.#owner.handlerFailed(error, false);
    }
  }

  /** A server's listeners, who are told whose message it is. */
  callFor(message: unknown, connection: object, handlers?: Handlers): void {
    const only = this.#only;
    if (only === undefined) return this.#callAll([message, connection], handlers);
    try {
      const result: unknown = only.call(this.#owner, message, connection);
      if (typeof result === 'object' && result !== null) this.#returned(result, handlers);
    } catch (error) {
      this.#owner.handlerFailed(error, false);
    }
  }

  #callAll(values: readonly [message: unknown, connection?: object], handlers?: Handlers): void {
    for (const listener of this.#all) {
      try {
        const result = listener.apply(this.#owner, values as [unknown, object?]);
        if (typeof result === 'object' && result !== null) this.#returned(result, handlers);
      } catch (error) {
        this.#owner.handlerFailed(error, false);
      }
    }
  }

  #returned(result: object, handlers: Handlers | undefined): void {
    if (handlers === undefined) this.#owner.watch(result);
    else if (isThenable(result)) this.#owner.watch(handlers.add(result));
  }
}
