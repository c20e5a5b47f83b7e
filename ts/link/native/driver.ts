/** The native backend, on the I/O threads of this environment. */
import { aborted, QWormholeError } from '../../errors/error.js';
import { connectTimeout } from '../fault.js';
import type {
  DialSpec,
  Link,
  LinkDriver,
  LinkListener,
  ListenerHandler,
  ListenSpec,
  SocketSettings,
} from '../link.js';
import type { ClientWrapper, NativeBinding, PlanSpec, SocketSpec } from './binding.js';
import type { Exchange, Owner } from './exchange.js';
import type { Exchanges } from './exchanges.js';
import { faultOf } from './faults.js';
import { NativeLink } from './link.js';
import { NativeListener } from './listener.js';
import { addressesOf, type Address } from './resolve.js';

/** How long one of several addresses of a name may take before the next is tried, ms: as node:net has it. */
const ATTEMPT_MS = 250;

const UNKNOWN = { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0 };

export class NativeDriver implements LinkDriver, Owner {
  readonly mode = 'native';
  readonly backend = 'rust';
  onFailure: ((error: QWormholeError) => void) | undefined;
  readonly #binding: NativeBinding;
  readonly #exchanges: Exchange[];
  #next = 0;

  /** @throws QWormholeError if the system gives no thread. */
  constructor(binding: NativeBinding, exchanges: Exchanges, ioThreads: number) {
    this.#binding = binding;
    this.#exchanges = exchanges.take(ioThreads);
    for (const exchange of this.#exchanges) exchange.owners.add(this);
  }

  async listen(spec: ListenSpec, handler: ListenerHandler): Promise<LinkListener> {
    const [{ address }] = await addressesOf(spec, 'listen');
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
          plan: planOf(spec),
          socket: socketOf(spec.socket),
        },
      );
    return NativeListener.open(this.#exchanges, wrapper, spec, handler);
  }

  async connect(spec: DialSpec, signal?: AbortSignal): Promise<Link> {
    const deadline = performance.now() + spec.connectTimeoutMs;
    const addresses = await abortable(addressesOf(spec, 'connect'), signal);
    for (const [index, address] of addresses.entries()) {
      const isLast = index === addresses.length - 1;
      const left = Math.max(1, Math.ceil(deadline - performance.now()));
      try {
        return await this.#dial(spec, address, isLast ? left : Math.min(left, ATTEMPT_MS), signal);
      } catch (error) {
        if (isLast || signal?.aborted) throw inTermsOf(spec, error);
      }
    }
    throw new Error('unreachable: a name has at least one address');
  }

  release(): void {
    for (const exchange of this.#exchanges) exchange.owners.delete(this);
  }

  exchangeFailed(error: QWormholeError): void {
    const notify = this.onFailure;
    this.onFailure = undefined;
    this.release();
    notify?.(error);
  }

  #dial(spec: DialSpec, { address }: Address, timeoutMs: number, signal?: AbortSignal): Promise<Link> {
    const exchange = this.#exchanges[this.#next];
    this.#next = (this.#next + 1) % this.#exchanges.length;
    const wrapper = new this.#binding.TcpClientWrapper(exchange.core, {
      host: address,
      port: spec.port,
      localAddress: spec.localAddress,
      localPort: spec.localPort,
      connectTimeoutMs: timeoutMs,
      plan: planOf(spec),
      socket: socketOf(spec.socket),
    });
    return settled(exchange, wrapper, spec, signal);
  }
}

/** Resolves when the connection stands. An abort frees the socket. */
function settled(
  exchange: Exchange,
  wrapper: ClientWrapper,
  spec: DialSpec,
  signal?: AbortSignal,
): Promise<Link> {
  if (signal?.aborted) return Promise.reject(aborted(signal));
  if (exchange.failure !== undefined) return Promise.reject(exchange.failure);
  const { slot, generation, fault } = wrapper.connect();
  if (fault) return Promise.reject(faultOf(fault, { during: 'connect', what: `${spec.host}:${spec.port}` }));
  const info = { ...UNKNOWN, remoteAddress: spec.host, remotePort: spec.port };
  const link = new NativeLink(exchange, slot, generation, info, spec.limits);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      link.onDialled = undefined;
      link.handler = NOBODY;
      link.terminate(0, '');
      reject(aborted(signal!));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    link.onDialled = (error) => {
      signal?.removeEventListener('abort', onAbort);
      if (error === undefined) resolve(link);
      else reject(error);
    };
  });
}

/** Time runs out over all addresses of a name: what is told is what the caller gave, not what was left of it. */
function inTermsOf({ host, port, connectTimeoutMs }: DialSpec, error: unknown): unknown {
  const ranOut = error instanceof QWormholeError && error.code === 'ERR_QW_CONNECT_TIMEOUT';
  return ranOut && error.cause === undefined ? connectTimeout(`${host}:${port}`, connectTimeoutMs) : error;
}

const ignore = (): void => {};
/** The handler of a connection that its caller gave up before it stood. */
const NOBODY = { onMessage: ignore, onDrain: ignore, onEmpty: ignore, onEnd: ignore, onClose: ignore };

function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(aborted(signal));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function planOf({ protocol, limits }: ListenSpec | DialSpec): PlanSpec {
  const { maxMessage, memoryBudget, closeTimeoutMs } = limits;
  return { protocol, maxMessage, memoryBudget, closeTimeoutMs };
}

function socketOf(socket: SocketSettings): SocketSpec {
  return { ...socket };
}
