/** The native backend, on I/O threads of this environment or inline. */
import { onAbort } from '../../abort.js';
import { aborted, type QWormholeError } from '../../errors/error.js';
import type {
  Adoption,
  BackendRecord,
  DialSpec,
  Link,
  LinkDriver,
  LinkListener,
  ListenerHandler,
  ListenSpec,
  LogListener,
} from '../link.js';
import type { ClientWrapper, DialerSpec, NativeBinding } from './binding.js';
import { descriptorOf } from './descriptor-of.js';
import type { Exchange, Owner } from './exchange.js';
import { carrierOf } from '../carriers.js';
import { placeText } from '../place.js';
import { faultOf } from './faults.js';
import { NativeLink } from './link.js';
import { NativeListener } from './listener.js';
import type { NativeLog } from './log.js';
import { adoptPlan, dialPlan, listenPlan } from './plan.js';
import { clientTls, judging, ListenerTls } from './tls.js';
import { addressesOf } from '../resolve.js';
import { endsOf, routeOf } from '../routes.js';

export class NativeDriver implements LinkDriver, Owner {
  readonly mode = 'native';
  readonly backend = 'rust';
  onFailure: ((error: QWormholeError) => void) | undefined;
  readonly #binding: NativeBinding;
  readonly #exchanges: Exchange[];
  readonly #log: NativeLog;
  readonly #listeners = new Set<NativeListener>();
  #next = 0;
  /** Settled when all that lived on a broken driver is over; rejected, with the failure. */
  #failing: Promise<never> | undefined;

  constructor(binding: NativeBinding, exchanges: Exchange[], log: NativeLog) {
    this.#binding = binding;
    this.#exchanges = exchanges;
    this.#log = log;
    for (const exchange of this.#exchanges) exchange.owners.add(this);
  }

  async listen(spec: ListenSpec, handler: ListenerHandler): Promise<LinkListener> {
    const [{ address }] = await addressesOf(spec, 'listen');
    // It may have failed meanwhile.
    await this.#failing;
    const tls = spec.tls && new ListenerTls(this.#binding, spec.tls, handler);
    const wrapper = (listener: number) =>
      new this.#binding.QWormholeServerWrapper(
        this.#exchanges.map(({ core }) => core),
        listener,
        {
          host: address,
          port: spec.port,
          backlog: spec.backlog,
          reusePort: spec.reusePort,
          ipv6Only: spec.ipv6Only,
          plan: listenPlan(spec),
          socket: { ...spec.socket },
        },
        tls?.wrapper,
      );
    const threads = { owner: this, exchanges: this.#exchanges, tls };
    const listener = NativeListener.open(threads, wrapper, spec, handler);
    this.#listeners.add(listener);
    void listener.whenClosed.then(() => this.#listeners.delete(listener));
    return listener;
  }

  async connect(spec: DialSpec, signal?: AbortSignal): Promise<Link> {
    await this.#failing;
    const { host, address = host, connectTimeoutMs } = spec;
    const exchange = this.#nextExchange();
    const dialer: DialerSpec = {
      host: address,
      port: spec.port,
      localAddress: spec.localAddress,
      localPort: spec.localPort,
      connectTimeoutMs,
      plan: dialPlan(spec, connectTimeoutMs),
      socket: { ...spec.socket },
    };
    const { TcpClientWrapper, WebSocketClientWrapper } = this.#binding;
    const Wrapper = spec.ws === undefined ? TcpClientWrapper : WebSocketClientWrapper;
    const tls = clientTls(this.#binding, spec.tls);
    return this.#settled(exchange, new Wrapper(exchange.core, dialer, tls), spec, signal);
  }

  adopt(adoption: Adoption): Link | undefined {
    const { socket, head, key, extensions, subprotocol, limits } = adoption;
    const descriptor = descriptorOf(socket);
    if (descriptor === undefined || this.#failing !== undefined) return undefined;
    const exchange = this.#nextExchange();
    if (exchange.failure !== undefined) return undefined;
    const request = { key, extensions, subprotocol };
    const adopted = exchange.core.adopt(descriptor, adoptPlan(adoption), request, head);
    // No descriptor is left, say: the socket is as it was.
    if (adopted.fault) return undefined;
    const { isDeflated } = adopted;
    const info = endsOf(socket, { carrier: 'ws', subprotocol, isDeflated });
    // Node has read nothing meanwhile: that takes a turn of the loop. Of two descriptors this closes one.
    socket.destroy();
    return new NativeLink(exchange, this, adopted, info, limits);
  }

  watchLog(level: BackendRecord['level'], listener: LogListener): () => void {
    return this.#log.watch(level, listener);
  }

  release(): void {
    for (const exchange of this.#exchanges) exchange.owners.delete(this);
  }

  /** One thread less is the end of the whole driver: its owner goes on as if there were only one. */
  exchangeFailed(error: QWormholeError): void {
    this.#failing ??= this.#fail(error);
    this.#failing.catch(() => {});
  }

  async #fail(error: QWormholeError): Promise<never> {
    // The listeners first: they bring new links.
    await Promise.all(Array.from(this.#listeners, (listener) => listener.close()));
    const links = this.#exchanges.flatMap((exchange) => exchange.linksOf(this));
    // Those still being called are their callers' to give up.
    const standing = links.filter(({ call }) => call === undefined);
    await Promise.all(standing.map((link) => link.abandon(error)));
    const notify = this.onFailure;
    this.onFailure = undefined;
    this.release();
    notify?.(error);
    throw error;
  }

  /** Connections are spread over the threads in turn. */
  #nextExchange(): Exchange {
    const exchange = this.#exchanges[this.#next];
    this.#next = (this.#next + 1) % this.#exchanges.length;
    return exchange;
  }

  /** Resolves when the connection stands. An abort frees the socket. */
  #settled(exchange: Exchange, wrapper: ClientWrapper, spec: DialSpec, signal?: AbortSignal): Promise<Link> {
    if (signal?.aborted) return Promise.reject(aborted(signal));
    if (exchange.failure !== undefined) return Promise.reject(exchange.failure);
    const { fault, ...name } = wrapper.connect();
    if (fault) return Promise.reject(faultOf(fault, { during: 'connect', what: placeText(spec) }));
    const route = routeOf({ carrier: carrierOf(spec), localAddress: '', localPort: 0 });
    const info = { route, remoteAddress: spec.host, remotePort: spec.port };
    const link = new NativeLink(exchange, this, name, info, spec.limits);
    return new Promise((resolve, reject) => {
      const stopListening =
        signal &&
        onAbort(signal, () => {
          link.call = undefined;
          link.handler = NOBODY;
          link.terminate(0, '');
          reject(aborted(signal));
        });
      const onSettled = (error: QWormholeError | undefined): void => {
        stopListening?.();
        if (error === undefined) resolve(link);
        else reject(error);
      };
      const { qwh, onAnswer, tls } = spec;
      link.call = { onSettled, qwh, onAnswer };
      if (tls !== undefined) link.call.onSecured = judging(link, tls, exchange.outbox);
    });
  }
}

const ignore = (): void => {};
/** The handler of a connection that its caller gave up before it stood. */
const NOBODY = {
  isHeard: false,
  onMessage: ignore,
  onDrain: ignore,
  onEmpty: ignore,
  onEnd: ignore,
  onClose: ignore,
};
