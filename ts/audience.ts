/** Who gets a connection's messages: its own listeners, and the loops over it. */
import { Iterators, type IteratorOwner, type MessageIterator } from './iteration.js';
import { MessageListeners, type ListenerOwner } from './message-listeners.js';
import type { Handlers } from './policy/handlers.js';

export class Audience<M> {
  readonly #listeners: MessageListeners;
  readonly #iterators: Iterators<M>;

  constructor(owner: ListenerOwner & IteratorOwner) {
    this.#listeners = new MessageListeners(owner);
    this.#iterators = new Iterators<M>(owner);
  }

  get isEmpty(): boolean {
    return this.#listeners.isEmpty && this.#iterators.isEmpty;
  }

  /** A loop holds as much as it may: the connection is not to be read. */
  get isFull(): boolean {
    return this.#iterators.isFull;
  }

  /** The listeners are others than before. */
  refresh(): void {
    this.#listeners.refresh();
  }

  /** A new loop, which has not begun. */
  loop(): MessageIterator<M> {
    return this.#iterators.create();
  }

  deliver(message: M, handlers: Handlers | undefined): void {
    if (!this.#listeners.isEmpty) this.#listeners.call(message, handlers);
    if (!this.#iterators.isEmpty) this.#iterators.push(message);
  }

  /** Calls back once every loop has used what it holds; at once if there is none. */
  whenIdle(callback: () => void): void {
    this.#iterators.whenIdle(callback);
  }

  /** No more will come. */
  finish(): void {
    this.#iterators.finish();
  }
}
