/** A proxy that is a bad network: in front of any server of a stream protocol over TCP. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { parseEndpoint, formatEndpoint, type Endpoint, type EndpointInput } from '../endpoint.js';
import { QWormholeError } from '../errors/error.js';
import { checkFaults, type Faults, type Way } from './faults.js';
import { Relay } from './relay.js';

/** Its faults at first, the same both ways, and what chance follows from. */
export interface ChaosOptions extends Faults {
  /** Two proxies with one seed do the same to the same bytes; by default one is drawn, see {@link ChaosProxy.seed}. */
  readonly seed?: number;
  /** Where it listens. Default: a free port. */
  readonly port?: number;
}

const WAYS: readonly Way[] = ['up', 'down'];
/** A prime: the seeds of connections that follow each other have nothing in common. */
const STEP = 7919;

/**
 * Forwards every connection to one server, with faults. It knows nothing of what it forwards, so TLS and WebSocket
 * go through it like anything else. Calls change it for the connections that are open and for those to come.
 */
export class ChaosProxy {
  /** What its chance follows from: to be printed when a test fails. */
  readonly seed: number;
  readonly #target: Endpoint;
  readonly #faults: Record<Way, Faults>;
  readonly #server: Server;
  readonly #relays = new Set<Relay>();
  #accepted = 0;

  private constructor(target: Endpoint, seed: number, faults: Faults) {
    this.#target = target;
    this.seed = seed;
    this.#faults = { up: faults, down: faults };
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.#accept(socket),
    );
  }

  /** A proxy that listens on loopback, in front of the server at `target`. */
  static async before(target: EndpointInput, options: ChaosOptions = {}): Promise<ChaosProxy> {
    const { seed = Math.floor(Math.random() * 2 ** 32), port = 0, ...faults } = options;
    if (!Number.isInteger(seed))
      throw new QWormholeError('ERR_QW_OPTION_INVALID', 'Option seed is not an integer', {
        details: { option: 'seed' },
      });
    const proxy = new ChaosProxy(parseEndpoint(target, 'connect'), seed >>> 0, checkFaults(faults));
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** The server's URL by way of the proxy. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    const { scheme, path = '', query = '' } = this.#target;
    return formatEndpoint({ scheme, host: '127.0.0.1', port, path: path + query });
  }

  /** Connections taken so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Those of them that are not over. */
  get open(): number {
    return this.#relays.size;
  }

  /** From now on these faults and no others, one way or both. */
  set(faults: Faults, way?: Way): void {
    const checked = checkFaults(faults);
    for (const each of way === undefined ? WAYS : [way]) this.#faults[each] = checked;
    for (const relay of this.#relays) relay.update();
  }

  /** A black hole, one way or both. */
  cut(way?: Way): void {
    this.set({ drop: true }, way);
  }

  /** A good network again; a connection of which something was dropped stays as it is. */
  heal(way?: Way): void {
    this.set({}, way);
  }

  /** Tells the receivers of one way that the senders have ended; the other way goes on. */
  end(way: Way): void {
    for (const relay of this.#relays) relay.end(way);
  }

  /** Resets both sides of every open connection. */
  reset(): void {
    for (const relay of this.#relays) relay.reset();
  }

  /** Takes no more connections, and destroys those that are open. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const relay of this.#relays) relay.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(client: Socket): void {
    const { host, port } = this.#target;
    const seed = this.seed + STEP * this.#accepted;
    this.#accepted += 1;
    const relay = new Relay(client, { host, port }, seed, this.#faults, () => this.#relays.delete(relay));
    this.#relays.add(relay);
  }
}
