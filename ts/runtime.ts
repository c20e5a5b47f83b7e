/** Defaults that several servers and clients share. */
import type { QWormholeClient } from './client.js';
import type { CodecOption } from './codec/codec.js';
import type { CodecAt } from './codec/codec-at.js';
import {
  connect,
  createQWormholeClient,
  createQWormholeServer,
  listen,
  type ConnectOptions,
  type CreatedClient,
  type CreatedServer,
  type Callees,
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
  createServer<const D extends CodecOption = C, const E extends Endpoints = Endpoints>(
    options: ServerOptions<D> & { readonly endpoints: E },
  ): CreatedServer<CodecAt<E, D>> {
    return createQWormholeServer<D, E>({ ...this.#server, ...options } as never);
  }

  /** As the function `createQWormholeClient`. */
  createClient<const D extends CodecOption = C, const E extends Callees = Callees>(
    options: ClientOptions<D> & { readonly endpoints: E },
  ): CreatedClient<CodecAt<E, D>> {
    return createQWormholeClient<D, E>({ ...this.#client, ...options } as never);
  }

  /** As the function `listen`. */
  listen<const D extends CodecOption = C, const E extends Endpoints = Endpoints>(
    endpoints: E,
    options?: ListenOptions<D>,
  ): Promise<QWormholeServer<CodecAt<E, D>>> {
    return listen<D, E>(endpoints, { ...this.#server, ...options } as ListenOptions<D>);
  }

  /** As the function `connect`. */
  connect<const D extends CodecOption = C, const E extends Callees = Callees>(
    endpoints: E,
    options?: ConnectOptions<D>,
  ): Promise<QWormholeClient<CodecAt<E, D>>> {
    return connect<D, E>(endpoints, { ...this.#client, ...options } as ConnectOptions<D>);
  }
}
