/**
 * Typed events over `node:events`, with four differences: an `error` without a listener never throws,
 * a listener that fails harms neither the other listeners nor what comes next, a subclass learns
 * when listeners come and go, and without any it takes no memory.
 */
import { EventEmitter } from 'node:events';

/** Names of events and the arguments of their listeners. */
export type EventMap<Events> = { readonly [Name in keyof Events]: readonly unknown[] };

/** A listener of one event. */
export type Listener<Arguments extends readonly unknown[]> = (...values: Arguments) => unknown;

type Names<Events> = Extract<keyof Events, string>;
type AnyListener = (...values: any[]) => unknown;

/**
 * `EventEmitter` without its constructor, which makes a table of listeners: Node makes one with the first listener
 * where there is none, and most connections never have a listener of their own.
 */
function LazyEmitter(): void {}
LazyEmitter.prototype = EventEmitter.prototype;
Object.setPrototypeOf(LazyEmitter, EventEmitter);

export abstract class Emitter<
  Events extends EventMap<Events>,
> extends (LazyEmitter as unknown as typeof EventEmitter) {
  /** @internal A listener threw, or the promise that it returned was rejected. */
  abstract handlerFailed(error: unknown, isRejection: boolean): void;

  /** The listeners of `event` are others than before. */
  protected listenersChanged(_event: string | symbol): void {}

  /** Calls every listener; false if there is none. */
  protected fire(event: Names<Events> | string, ...values: unknown[]): boolean {
    const listeners = this.rawListeners(event);
    for (const listener of listeners) this.call(listener as AnyListener, values);
    return listeners.length > 0;
  }

  /** Calls one listener and sees to what becomes of it. */
  protected call(listener: AnyListener, values: readonly unknown[]): void {
    try {
      const result: unknown = listener.apply(this, values as unknown[]);
      if (typeof result === 'object' && result !== null) this.watch(result);
    } catch (error) {
      this.handlerFailed(error, false);
    }
  }

  /** @internal Sees to the rejection of what a listener returned, if that is a promise. */
  watch(result: object): void {
    if (typeof (result as PromiseLike<unknown>).then !== 'function') return;
    Promise.resolve(result).catch((error: unknown) => this.handlerFailed(error, true));
  }

  override on<Name extends Names<Events>>(event: Name, listener: Listener<Events[Name]>): this;
  override on(event: string | symbol, listener: AnyListener): this;
  override on(event: string | symbol, listener: AnyListener): this {
    super.on(event, listener);
    this.listenersChanged(event);
    return this;
  }

  override addListener<Name extends Names<Events>>(event: Name, listener: Listener<Events[Name]>): this;
  override addListener(event: string | symbol, listener: AnyListener): this;
  override addListener(event: string | symbol, listener: AnyListener): this {
    return this.on(event as never, listener);
  }

  override prependListener<Name extends Names<Events>>(event: Name, listener: Listener<Events[Name]>): this;
  override prependListener(event: string | symbol, listener: AnyListener): this;
  override prependListener(event: string | symbol, listener: AnyListener): this {
    super.prependListener(event, listener);
    this.listenersChanged(event);
    return this;
  }

  // Node's `once` and `prependOnceListener` go through `on` and `prependListener`, and remove by `removeListener`.
  override once<Name extends Names<Events>>(event: Name, listener: Listener<Events[Name]>): this;
  override once(event: string | symbol, listener: AnyListener): this;
  override once(event: string | symbol, listener: AnyListener): this {
    return super.once(event, listener);
  }

  override removeListener<Name extends Names<Events>>(event: Name, listener: Listener<Events[Name]>): this;
  override removeListener(event: string | symbol, listener: AnyListener): this;
  override removeListener(event: string | symbol, listener: AnyListener): this {
    super.removeListener(event, listener);
    this.listenersChanged(event);
    return this;
  }

  override off<Name extends Names<Events>>(event: Name, listener: Listener<Events[Name]>): this;
  override off(event: string | symbol, listener: AnyListener): this;
  override off(event: string | symbol, listener: AnyListener): this {
    return this.removeListener(event as never, listener);
  }

  override removeAllListeners(event?: string | symbol): this {
    const names = event === undefined ? this.eventNames() : [event];
    if (event === undefined) super.removeAllListeners();
    else super.removeAllListeners(event);
    for (const name of names) this.listenersChanged(name);
    return this;
  }

  /** As Node's, except that an `error` without a listener is left alone. */
  override emit<Name extends Names<Events>>(event: Name, ...values: Events[Name]): boolean;
  override emit(event: string | symbol, ...values: any[]): boolean;
  override emit(event: string | symbol, ...values: any[]): boolean {
    if (event === 'error' && this.listenerCount('error') === 0) return false;
    return super.emit(event, ...values);
  }
}
