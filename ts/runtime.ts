/** Defaults that several servers and clients share. */
import type { QWormholeClient } from './client.js';
import type { CodecOption } from './codec/codec.js';
import {
  connect,
  createQWormholeClient,
  createQWormholeServer,
  listen,
  type ConnectOptions,
  type CreatedClient,
  type CreatedServer,
  type Endpoints,
  type ListenOptions,
} from './factory.js';
import { resolveClientOptions, resolveServerOptions } from './options/resolve.js';
import type { ClientOptions, ServerOptions, SharedOptions } from './options/types.js';
import type { QWormholeServer } from './server.js';

/** Defaults for both ends, and for each. What is given later comes before all of them. */
export interface RuntimeDefaults<C extends CodecOption = CodecOption> extends SharedOptions<C> {
  readonly server?: ListenOptions<C>;
  readonly client?: ConnectOptions<C>;
}

/** Any endpoint does to check options with. */
const SOMEWHERE = 'tcp://127.0.0.1:1';

/** Makes servers and clients with the same defaults. Holds nothing else, and needs no end. */
export class QWormholeRuntime<const C extends CodecOption = 'buffer'> {
  readonly #server: ListenOptions<C>;
  readonly #client: ConnectOptions<C>;

  /** @throws QWormholeError `ERR_QW_OPTION_…` for a default that is no legal option. */
  constructor({ server, client, ...shared }: RuntimeDefaults<C> = {}) {
    this.#server = { ...shared, ...server };
    this.#client = { ...shared, ...client };
    resolveServerOptions({ ...this.#server, endpoints: SOMEWHERE } as ServerOptions);
    resolveClientOptions({ ...this.#client, endpoints: SOMEWHERE } as ClientOptions);
  }

  /** As the function `createQWormholeServer`. */
  createServer<const D extends CodecOption = C>(options: ServerOptions<D>): CreatedServer<D> {
    return createQWormholeServer<D>({ ...this.#server, ...options } as ServerOptions<D>);
  }

  /** As the function `createQWormholeClient`. */
  createClient<const D extends CodecOption = C>(options: ClientOptions<D>): CreatedClient<D> {
    return createQWormholeClient<D>({ ...this.#client, ...options } as ClientOptions<D>);
  }

  /** As the function `listen`. */
  listen<const D extends CodecOption = C>(
    endpoints: Endpoints,
    options?: ListenOptions<D>,
  ): Promise<QWormholeServer<D>> {
    return listen<D>(endpoints, { ...this.#server, ...options } as ListenOptions<D>);
  }

  /** As the function `connect`. */
  connect<const D extends CodecOption = C>(
    endpoints: Endpoints,
    options?: ConnectOptions<D>,
  ): Promise<QWormholeClient<D>> {
    return connect<D>(endpoints, { ...this.#client, ...options } as ConnectOptions<D>);
  }
}
