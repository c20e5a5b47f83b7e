/** `for await (const message of connection)`: messages in order, read no faster than they are used. */

/** Messages held for a loop that is busy: enough to keep it so, few enough that a slow one holds little. */
const MAX_AHEAD = 64;
/** Below this many the connection is read again. */
const MIN_AHEAD = 16;

type Result<T> = IteratorResult<T, undefined>;

/** One loop over the messages of a connection. */
export class MessageIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #owner: Iterators<T>;
  readonly #ahead: T[] = [];
  /** Calls of `next` without an answer: there are some only while nothing is held. */
  readonly #waiting: ((result: Result<T>) => void)[] = [];
  #isFull = false;
  #isDone = false;

  /** @internal */
  constructor(owner: Iterators<T>) {
    this.#owner = owner;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message; `done` when the connection has ended. The first call counts as adding a listener. */
  next(): Promise<Result<T>> {
    if (this.#ahead.length > 0) {
      const value = this.#ahead.shift()!;
      if (this.#isFull && this.#ahead.length < MIN_AHEAD) this.#setFull(false);
      return Promise.resolve({ value, done: false });
    }
    if (this.#isDone) return Promise.resolve({ value: undefined, done: true });
    const result = new Promise<Result<T>>((resolve) => this.#waiting.push(resolve));
    this.#owner.wants(this);
    return result;
  }

  /** Ends the loop early, as `break` does; what is held is dropped. */
  return(): Promise<Result<T>> {
    this.#ahead.length = 0;
    this.finish();
    this.#owner.remove(this);
    return Promise.resolve({ value: undefined, done: true });
  }

  /** @internal Holds as much as it may. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** @internal Has used everything and waits for more. */
  get isIdle(): boolean {
    return this.#waiting.length > 0;
  }

  /** @internal */
  push(message: T): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting({ value: message, done: false });
    this.#ahead.push(message);
    if (!this.#isFull && this.#ahead.length >= MAX_AHEAD) this.#setFull(true);
  }

  /** @internal No more will come; what is held is still given out. */
  finish(): void {
    this.#isDone = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  #setFull(isFull: boolean): void {
    this.#isFull = isFull;
    this.#owner.changed();
  }
}

/** Whose messages they are. */
export interface IteratorOwner {
  /** `isEmpty` or `isFull` may have another value. */
  iteratorsChanged(): void;
}

/** The loops over one connection: each gets every message. */
export class Iterators<T> {
  /** Those that have begun and not ended: with the first, where most connections have none. */
  #active: Set<MessageIterator<T>> | undefined;
  readonly #owner: IteratorOwner;
  #onIdle: (() => void) | undefined;
  #isFinished = false;

  constructor(owner: IteratorOwner) {
    this.#owner = owner;
  }

  get isEmpty(): boolean {
    return this.#active === undefined || this.#active.size === 0;
  }

  /** One of them holds as much as it may: the connection is not to be read. */
  get isFull(): boolean {
    for (const iterator of this.#active ?? []) if (iterator.isFull) return true;
    return false;
  }

  /** A new loop, which has not begun. */
  create(): MessageIterator<T> {
    return new MessageIterator(this);
  }

  push(message: T): void {
    for (const iterator of this.#active ?? []) iterator.push(message);
  }

  /** Calls back once every loop has used what it holds and waits for more; at once if there is none. */
  whenIdle(callback: () => void): void {
    this.#onIdle = callback;
    this.#checkIdle();
  }

  /** No more will come. */
  finish(): void {
    this.#isFinished = true;
    this.#onIdle = undefined;
    for (const iterator of this.#active ?? []) iterator.finish();
    this.#active = undefined;
  }

  /** An iterator has nothing left. */
  wants(iterator: MessageIterator<T>): void {
    if (this.#isFinished) return iterator.finish();
    const active = (this.#active ??= new Set());
    const isNew = !active.has(iterator);
    active.add(iterator);
    if (isNew) this.changed();
    this.#checkIdle();
  }

  remove(iterator: MessageIterator<T>): void {
    if (this.#active?.delete(iterator) !== true) return;
    this.changed();
    this.#checkIdle();
  }

  changed(): void {
    this.#owner.iteratorsChanged();
  }

  #checkIdle(): void {
    if (this.#onIdle === undefined) return;
    for (const iterator of this.#active ?? []) if (!iterator.isIdle) return;
    const callback = this.#onIdle;
    this.#onIdle = undefined;
    callback();
  }
}
