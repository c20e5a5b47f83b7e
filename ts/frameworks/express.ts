/** For Express, and for whatever else is a function of request and response: Connect, `app.callback()` of Koa. */
import { createServer, type RequestListener, type Server as HttpServer } from 'node:http';
import type { CodecOption, ContractCodec, Messages, MessageTypes } from '../codec/codec.js';
import type { QWormholeServer } from '../server.js';
import { attachQWormhole, type AttachedOptions, type CodecOnWebSocket } from './http.js';

export type { AttachedOptions } from './http.js';

/** One port for both. */
export interface WithQWormhole<C extends MessageTypes> {
  /** Serves the application; `http.listen(port)` begins, `http.close()` ends both. */
  readonly http: HttpServer;
  /** Takes the WebSockets. */
  readonly server: QWormholeServer<C>;
}

/**
 * An HTTP server for an application, with a QWormhole server on its port: `app.listen()` would make one of its own.
 * @throws QWormholeError `ERR_QW_OPTION_…`.
 */
export function withQWormhole<const C extends CodecOption = 'buffer'>(
  app: RequestListener,
  options?: AttachedOptions<C>,
): WithQWormhole<CodecOnWebSocket<C>>;
/** The same with a contract: what the server receives and what it sends. */
export function withQWormhole<M extends Messages>(
  app: RequestListener,
  options: AttachedOptions<ContractCodec> & { readonly codec: ContractCodec },
): WithQWormhole<M>;
export function withQWormhole(app: RequestListener, options: AttachedOptions<any> = {}): WithQWormhole<any> {
  const http = createServer(app);
  return { http, server: attachQWormhole(http, options) };
}
