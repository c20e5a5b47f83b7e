/** How servers and clients are made: options checked, a backend chosen, and the two put together. */
import { QWormholeClient } from './client.js';
import type { CodecOption, ContractCodec, Messages, MessageTypes } from './codec/codec.js';
import type { CodecAt } from './codec/codec-at.js';
import type { EndpointInput } from './endpoint.js';
import { chooseDriver, onTypeScript, type Choice, type Role } from './link/choose.js';
import type { Backend, Mode } from './link/link.js';
import type { EndpointSource } from './options/sources.js';
import { resolveClientOptions, resolveServerOptions } from './options/resolve.js';
import type { ClientSettings, ServerSettings } from './options/settings.js';
import { assertSupported, honours } from './options/support.js';
import type { ClientOptions, ServerOptions } from './options/types.js';
import { QWormholeServer } from './server.js';
import { ClientTls } from './tls/client-tls.js';
import { ServerTls } from './tls/server-tls.js';

/** What a factory says besides the object that it made. */
export interface BackendResult {
  /** The backend in use. */
  readonly mode: Mode;
  /** The name of that backend. */
  readonly backend: Backend;
  /** Whether the native backend loads here; `undefined` when nobody tried. */
  readonly nativeAvailable: boolean | undefined;
}

/** A server that does not listen yet. */
export interface CreatedServer<C extends MessageTypes = CodecOption> extends BackendResult {
  readonly server: QWormholeServer<C>;
}

/** A client that is not connected yet. */
export interface CreatedClient<C extends MessageTypes = CodecOption> extends BackendResult {
  readonly client: QWormholeClient<C>;
}

/** One endpoint or several. */
export type Endpoints = EndpointInput | readonly EndpointInput[];

/** What a client may call, or a function that gives it before each attempt. */
export type Callees = Endpoints | EndpointSource;

/** Options of the short forms, whose endpoints are an argument. */
export type ListenOptions<C extends CodecOption = CodecOption> = Omit<ServerOptions<C>, 'endpoints'>;
export type ConnectOptions<C extends CodecOption = CodecOption> = Omit<ClientOptions<C>, 'endpoints'>;

/**
 * Makes a server; `server.listen()` binds its endpoints.
 * @throws QWormholeError `ERR_QW_OPTION_…`, `ERR_QW_ENDPOINT_INVALID`, `ERR_QW_TLS_CONFIG`, `ERR_QW_NATIVE_UNAVAILABLE`.
 */
export function createQWormholeServer<
  const C extends CodecOption = 'buffer',
  const E extends Endpoints = Endpoints,
>(options: ServerOptions<C> & { readonly endpoints: E }): CreatedServer<CodecAt<E, C>>;
/** The same with a contract: what the server receives and what it sends. */
export function createQWormholeServer<M extends Messages>(
  options: ServerOptions<ContractCodec> & { readonly codec: ContractCodec },
): CreatedServer<M>;
export function createQWormholeServer(options: ServerOptions<any>): CreatedServer<any> {
  const settings = resolveServerOptions(options);
  const tls = ServerTls.of(settings);
  const choice = chooseFor('server', settings);
  return { server: new QWormholeServer<any>(settings, choice, tls), ...resultOf(choice) };
}

/**
 * Makes a client; `client.connect()` connects it.
 * @throws QWormholeError `ERR_QW_OPTION_…`, `ERR_QW_ENDPOINT_INVALID`, `ERR_QW_TLS_CONFIG`, `ERR_QW_NATIVE_UNAVAILABLE`.
 */
export function createQWormholeClient<
  const C extends CodecOption = 'buffer',
  const E extends Callees = Callees,
>(options: ClientOptions<C> & { readonly endpoints: E }): CreatedClient<CodecAt<E, C>>;
/** The same with a contract: what the client receives and what it sends. */
export function createQWormholeClient<M extends Messages>(
  options: ClientOptions<ContractCodec> & { readonly codec: ContractCodec },
): CreatedClient<M>;
export function createQWormholeClient(options: ClientOptions<any>): CreatedClient<any> {
  const settings = resolveClientOptions(options);
  const tls = ClientTls.of(settings);
  const choice = chooseFor('client', settings);
  return { client: new QWormholeClient<any>(settings, choice, tls), ...resultOf(choice) };
}

/** Makes a server and listens. Rejects with a `QWormholeError`; then nothing is bound. */
export function listen<const C extends CodecOption = 'buffer', const E extends Endpoints = Endpoints>(
  endpoints: E,
  options?: ListenOptions<C>,
): Promise<QWormholeServer<CodecAt<E, C>>>;
/** The same with a contract: what the server receives and what it sends. */
export function listen<M extends Messages>(
  endpoints: Endpoints,
  options: ListenOptions<ContractCodec> & { readonly codec: ContractCodec },
): Promise<QWormholeServer<M>>;
export async function listen(
  endpoints: Endpoints,
  options?: ListenOptions<any>,
): Promise<QWormholeServer<any>> {
  const { server } = createQWormholeServer({ ...options, endpoints });
  try {
    await server.listen();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

/** Makes a client and connects. Rejects with a `QWormholeError`; then nothing is left. */
export function connect<const C extends CodecOption = 'buffer', const E extends Callees = Callees>(
  endpoints: E,
  options?: ConnectOptions<C>,
): Promise<QWormholeClient<CodecAt<E, C>>>;
/** The same with a contract: what the client receives and what it sends. */
export function connect<M extends Messages>(
  endpoints: Callees,
  options: ConnectOptions<ContractCodec> & { readonly codec: ContractCodec },
): Promise<QWormholeClient<M>>;
export async function connect(
  endpoints: Callees,
  options?: ConnectOptions<any>,
): Promise<QWormholeClient<any>> {
  const { client } = createQWormholeClient({ ...options, endpoints });
  try {
    await client.connect();
  } catch (error) {
    await client.close();
    throw error;
  }
  return client;
}

function chooseFor(role: Role, settings: ServerSettings | ClientSettings): Choice {
  const preferred = chooseDriver(role, settings);
  const choice = wouldBetterBeTypeScript(preferred, settings) ? toTypeScript(preferred) : preferred;
  try {
    assertSupported(settings, choice.mode);
  } catch (error) {
    choice.driver.release();
    throw error;
  }
  return choice;
}

/** Nobody demanded native, and it cannot do all that is asked for, which TypeScript can. */
function wouldBetterBeTypeScript(
  { mode, forced }: Choice,
  settings: ServerSettings | ClientSettings,
): boolean {
  return mode === 'native' && !forced && !honours(settings, 'native') && honours(settings, 'ts');
}

function toTypeScript({ driver, nativeAvailable }: Choice): Choice {
  driver.release();
  return onTypeScript(nativeAvailable);
}

function resultOf({ mode, backend, nativeAvailable }: Choice): BackendResult {
  return { mode, backend, nativeAvailable };
}
