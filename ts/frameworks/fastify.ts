/** A plugin for Fastify: `await app.register(qwormhole, { path: '/live' })`, then `app.qwormhole`. */
import type { Server as HttpServer } from 'node:http';
import type { CodecOption } from '../codec/codec.js';
import type { QWormholeServer } from '../server.js';
import { attachQWormhole, type AttachedOptions } from './http.js';

/** The part of a Fastify instance that is used: Fastify itself is not among what is installed. */
interface FastifyLike {
  readonly server: unknown;
  decorate(name: string, value: unknown): unknown;
}

/** Options of the plugin. */
export interface QWormholePluginOptions<C extends CodecOption = CodecOption> extends AttachedOptions<C> {
  /** The name of the server on the instance: for a second one. Default: `qwormhole`. */
  readonly name?: string;
  /** Called with the server before anybody can connect. */
  readonly setUp?: (server: QWormholeServer<any>) => void;
}

/** What Fastify looks at in a plugin: its decorations are for those who registered it, and its name in errors. */
const VISIBLE = Symbol.for('skip-override');
const NAME = Symbol.for('fastify.display-name');

/**
 * Takes the WebSockets of the instance's HTTP server, and ends with it.
 * @throws QWormholeError `ERR_QW_OPTION_…`.
 */
export async function qwormhole(fastify: FastifyLike, options: QWormholePluginOptions = {}): Promise<void> {
  const { name = 'qwormhole', setUp, ...rest } = options;
  const server = attachQWormhole(fastify.server as HttpServer, rest);
  setUp?.(server);
  fastify.decorate(name, server);
}

Object.assign(qwormhole, { [VISIBLE]: true, [NAME]: 'qwormhole' });

export default qwormhole;
