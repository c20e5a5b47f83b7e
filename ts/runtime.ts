/** Defaults that several servers and clients share. */
import type { QWormholeClient } from './client.js';
import type { CodecOption, ContractCodec, Messages } from './codec/codec.js';
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

/** A contract needs a codec that any message can go through: the runtime's own, or one that is said. */
type CodecOfContract<C extends CodecOption> = [C] extends [ContractCodec]
  ? unknown
  : { readonly codec: ContractCodec };

/** The argument for it, which may be left out where the runtime has such a codec. */
type ContractArguments<C extends CodecOption, Options> = [C] extends [ContractCodec]
  ? [options?: Options]
  : [options: Options & CodecOfContract<C>];

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
  ): CreatedServer<CodecAt<E, D>>;
  /** The same with a contract: what the server receives and what it sends. */
  createServer<M extends Messages>(
    options: ServerOptions<ContractCodec> & CodecOfContract<C>,
  ): CreatedServer<M>;
  createServer(options: ServerOptions<any>): CreatedServer<any> {
    return createQWormholeServer({ ...this.#server, ...options });
  }

  /** As the function `createQWormholeClient`. */
  createClient<const D extends CodecOption = C, const E extends Callees = Callees>(
    options: ClientOptions<D> & { readonly endpoints: E },
  ): CreatedClient<CodecAt<E, D>>;
  /** The same with a contract: what the client receives and what it sends. */
  createClient<M extends Messages>(
    options: ClientOptions<ContractCodec> & CodecOfContract<C>,
  ): CreatedClient<M>;
  createClient(options: ClientOptions<any>): CreatedClient<any> {
    return createQWormholeClient({ ...this.#client, ...options });
  }

  /** As the function `listen`. */
  listen<const D extends CodecOption = C, const E extends Endpoints = Endpoints>(
    endpoints: E,
    options?: ListenOptions<D>,
  ): Promise<QWormholeServer<CodecAt<E, D>>>;
  /** The same with a contract: what the server receives and what it sends. */
  listen<M extends Messages>(
    endpoints: Endpoints,
    ...options: ContractArguments<C, ListenOptions<ContractCodec>>
  ): Promise<QWormholeServer<M>>;
  listen(endpoints: Endpoints, options?: ListenOptions<any>): Promise<QWormholeServer<any>> {
    return listen(endpoints, { ...this.#server, ...options });
  }

  /** As the function `connect`. */
  connect<const D extends CodecOption = C, const E extends Callees = Callees>(
    endpoints: E,
    options?: ConnectOptions<D>,
  ): Promise<QWormholeClient<CodecAt<E, D>>>;
  /** The same with a contract: what the client receives and what it sends. */
  connect<M extends Messages>(
    endpoints: Callees,
    ...options: ContractArguments<C, ConnectOptions<ContractCodec>>
  ): Promise<QWormholeClient<M>>;
  connect(endpoints: Callees, options?: ConnectOptions<any>): Promise<QWormholeClient<any>> {
    return connect(endpoints, { ...this.#client, ...options });
  }
}
