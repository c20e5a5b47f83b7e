/**
 * A server on the port of an HTTP server of Node's: made, attached and, when that one closes, closed. What Express and
 * Fastify need is this with their own ways of making it.
 */
import type { Server as HttpServer } from 'node:http';
import type { CodecOption, ContractCodec, Messages } from '../codec/codec.js';
import { createQWormholeServer, type ListenOptions } from '../factory.js';
import type { QWormholeServer } from '../server.js';
import type { ServerCloseOptions } from '../server-like.js';

/** Options of the server, and where on the HTTP server it is. */
export interface AttachedOptions<C extends CodecOption = CodecOption> extends ListenOptions<C> {
  /** Requests for other paths are left to others. Default: `/`. */
  readonly path?: string;
  /** How connections end when the HTTP server closes. Default: with 5 seconds of grace. */
  readonly close?: ServerCloseOptions;
}

/** Messages are bytes or, where the client sends text, strings: WebSocket has both. */
export type CodecOnWebSocket<C extends CodecOption> = C extends 'buffer' ? 'buffer' | 'text' : C;

/** As `server.shutdown()`. */
const GRACE = { gracefulMs: 5_000 };

/**
 * Takes the WebSockets of an HTTP server, such as the one that `node:http` makes, that ask for `path`. Its `close()`
 * ends them too: it would wait for them else.
 * @throws QWormholeError `ERR_QW_OPTION_…`.
 */
export function attachQWormhole<const C extends CodecOption = 'buffer'>(
  http: HttpServer,
  options?: AttachedOptions<C>,
): QWormholeServer<CodecOnWebSocket<C>>;
/** The same with a contract: what the server receives and what it sends. */
export function attachQWormhole<M extends Messages>(
  http: HttpServer,
  options: AttachedOptions<ContractCodec> & { readonly codec: ContractCodec },
): QWormholeServer<M>;
export function attachQWormhole(http: HttpServer, options: AttachedOptions<any> = {}): QWormholeServer<any> {
  const { path, close = GRACE, ...rest } = options;
  const { server } = createQWormholeServer({ ...rest, endpoints: [] });
  try {
    server.attach(http, path === undefined ? {} : { path });
  } catch (error) {
    void server.close();
    throw error;
  }
  closeTogether(http, server, close);
  return server;
}

/** The end of the HTTP server is the end of ours; ours alone leaves it as it was. */
function closeTogether(http: HttpServer, server: QWormholeServer<any>, options: ServerCloseOptions): void {
  const { close } = http;
  const closeBoth: HttpServer['close'] = (callback) => {
    restore();
    void server.close(options);
    return close.call(http, callback);
  };
  const restore = (): void => {
    if (http.close === closeBoth) http.close = close;
  };
  http.close = closeBoth;
  server.on('close', restore);
}
