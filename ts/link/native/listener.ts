/** A listening socket of the I/O side. */
import type { LinkListener, ListenerHandler, ListenSpec } from '../link.js';
import type { ServerWrapper } from './binding.js';
import type { Exchange, ListenerEvents, Owner } from './exchange.js';
import { faultOf, faultOfText } from './faults.js';
import { NativeLink } from './link.js';
import { carrierOf } from '../carriers.js';
import { placeText } from '../place.js';
import type { ListenerTls } from './tls.js';
import type { TlsListenSettings } from '../tls.js';

/** Numbers of listeners, one sequence per environment; 0 means none. */
let numbers = 0;

/** A driver and its I/O threads: the first accepts, all have connections. And what the listener has of TLS. */
export interface Threads {
  readonly owner: Owner;
  readonly exchanges: readonly Exchange[];
  readonly tls: ListenerTls | undefined;
}

export class NativeListener implements LinkListener {
  readonly host: string;
  readonly port: number;
  readonly #wrapper: ServerWrapper;
  readonly #number: number;
  readonly #exchanges: readonly Exchange[];
  readonly #home: Exchange;
  readonly #tls: ListenerTls | undefined;
  /** How long handshakes of QWH/1 may still be under way once the port is free, ms. */
  readonly #patienceMs: number;
  /** Resolves when the port is free. */
  readonly whenClosed: Promise<void>;
  #isReferenced = true;
  #isClosing = false;
  #isFree = false;

  /** Binds and listens. @throws QWormholeError */
  static open(
    threads: Threads,
    wrap: (listener: number) => ServerWrapper,
    spec: ListenSpec,
    handler: ListenerHandler,
  ): NativeListener {
    numbers += 1;
    return new NativeListener(threads, numbers, wrap(numbers), spec, handler);
  }

  private constructor(
    { owner, exchanges, tls }: Threads,
    number: number,
    wrapper: ServerWrapper,
    spec: ListenSpec,
    handler: ListenerHandler,
  ) {
    const { host, port, fault } = wrapper.listen();
    if (fault) throw faultOf(fault, { during: 'listen', what: placeText(spec) });
    this.host = host;
    this.port = port;
    this.#wrapper = wrapper;
    this.#number = number;
    this.#tls = tls;
    this.#patienceMs = spec.qwh?.handshakeTimeoutMs ?? 0;
    this.#exchanges = exchanges;
    this.#home = exchanges[0];
    this.#home.hold(1);
    this.whenClosed = new Promise<void>((resolve) => {
      for (const exchange of exchanges)
        exchange.listeners.set(number, this.#eventsOn(exchange, owner, spec, handler, resolve));
    }).then(() => this.#freed());
  }

  close(): Promise<void> {
    if (this.#isClosing) return this.whenClosed;
    this.#isClosing = true;
    this.#wrapper.close();
    this.#tls?.close();
    for (const exchange of this.#exchanges) exchange.dismiss(this.#number);
    return this.whenClosed;
  }

  updateTls(settings: TlsListenSettings): void {
    this.#tls?.update(settings);
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
    owner: Owner,
    spec: ListenSpec,
    handler: ListenerHandler,
    onClosed: () => void,
  ): ListenerEvents {
    const isClosing = (): boolean => this.#isClosing;
    return {
      carrier: carrierOf(spec),
      tls: this.#tls,
      qwh: spec.qwh,
      get isClosing() {
        return isClosing();
      },
      onUnmet: (...failure) => handler.onHandshakeError?.(...failure),
      onOpened: (name, info, upgrade) => {
        const link = new NativeLink(exchange, owner, name, info, spec.limits);
        if (upgrade?.onLink === undefined) handler.onLink(link);
        else upgrade.onLink(link);
      },
      onAsked: (upgrade) => handler.onUpgrade(upgrade),
      onFailed: (fault) => handler.onError(faultOfText(fault, { during: 'accept', what: placeText(this) })),
      // The first thread has the socket: the end of another frees no port.
      onClosed: exchange === this.#home ? onClosed : () => {},
    };
  }

  #freed(): void {
    this.#isFree = true;
    if (this.#isReferenced) this.#home.hold(-1);
    const forget = (): void => {
      for (const exchange of this.#exchanges) exchange.listeners.delete(this.#number);
    };
    // A handshake that is under way is told that it is too late.
    if (this.#patienceMs === 0) forget();
    else setTimeout(forget, this.#patienceMs).unref();
  }
}
