/** A listening socket of the I/O side. */
import type { QWormholeError } from '../../errors/error.js';
import type { LinkInfo, LinkListener, ListenerHandler, ListenSpec } from '../link.js';
import type { ServerWrapper } from './binding.js';
import type { Exchange, ListenerEvents } from './exchange.js';
import { faultOf } from './faults.js';
import { NativeLink } from './link.js';

/** Numbers of listeners, one sequence per environment; 0 means none. */
let numbers = 0;

export class NativeListener implements LinkListener {
  readonly host: string;
  readonly port: number;
  readonly #wrapper: ServerWrapper;
  readonly #home: Exchange;
  readonly #whenClosed: Promise<void>;
  #isReferenced = true;
  #isClosing = false;
  #isFree = false;

  /** Binds and listens. @throws QWormholeError */
  static open(
    exchanges: readonly Exchange[],
    wrap: (listener: number) => ServerWrapper,
    spec: ListenSpec,
    handler: ListenerHandler,
  ): NativeListener {
    numbers += 1;
    return new NativeListener(exchanges, numbers, wrap(numbers), spec, handler);
  }

  private constructor(
    exchanges: readonly Exchange[],
    number: number,
    wrapper: ServerWrapper,
    spec: ListenSpec,
    handler: ListenerHandler,
  ) {
    const { host, port, fault } = wrapper.listen();
    if (fault) throw faultOf(fault, { during: 'listen', what: `${spec.host}:${spec.port}` });
    this.host = host;
    this.port = port;
    this.#wrapper = wrapper;
    this.#home = exchanges[0];
    this.#home.hold(1);
    this.#whenClosed = new Promise<void>((resolve) => {
      for (const exchange of exchanges)
        exchange.listeners.set(number, this.#eventsOn(exchange, spec, handler, resolve));
    }).then(() => this.#freed(exchanges, number));
  }

  close(): Promise<void> {
    if (!this.#isClosing) this.#wrapper.close();
    this.#isClosing = true;
    return this.#whenClosed;
  }

  ref(): void {
    if (!this.#isReferenced && !this.#isFree) this.#home.hold(1);
    this.#isReferenced = true;
  }

  unref(): void {
    if (this.#isReferenced && !this.#isFree) this.#home.hold(-1);
    this.#isReferenced = false;
  }

  #eventsOn(
    exchange: Exchange,
    spec: ListenSpec,
    handler: ListenerHandler,
    onClosed: () => void,
  ): ListenerEvents {
    return {
      onOpened: ({ slot, generation }, info: LinkInfo) =>
        handler.onLink(new NativeLink(exchange, slot, generation, info, spec.limits)),
      onFailed: (error: QWormholeError) => handler.onError(error),
      onClosed,
    };
  }

  #freed(exchanges: readonly Exchange[], number: number): void {
    this.#isFree = true;
    if (this.#isReferenced) this.#home.hold(-1);
    for (const exchange of exchanges) exchange.listeners.delete(number);
  }
}
