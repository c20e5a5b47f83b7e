/** The HTTP servers that a server takes WebSockets from. */
import type { Server as HttpServer } from 'node:http';
import type { MessageTypes } from './codec/codec.js';
import { describe } from './describe.js';
import { splitTarget, targetOf } from './endpoint-target.js';
import { QWormholeError } from './errors/error.js';
import { onTypeScript, type Choice } from './link/choose.js';
import type { Adoption, LinkDriver, LinkListener } from './link/link.js';
import type { ServerSettings } from './options/settings.js';
import { protocolOn } from './options/resolve.js';
import { toLimits, toSocketSettings } from './options/specs.js';
import { assertSupported } from './options/support.js';
import { toListenWebSocket } from './options/websocket.js';
import { toListenQwh } from './policy/handshake.js';
import type { Reception } from './reception.js';
import type { Attachment, AttachOptions } from './server-like.js';

/** The paths of HTTP servers that somebody is attached to: the second one would never hear of anybody. */
const takenPaths = new WeakMap<HttpServer, Set<string>>();

function takenOf(server: HttpServer): Set<string> {
  const paths = takenPaths.get(server) ?? new Set<string>();
  takenPaths.set(server, paths);
  return paths;
}

export class Attachments<C extends MessageTypes> {
  readonly #settings: ServerSettings;
  readonly #reception: Reception<C>;
  readonly #ownDriver: () => LinkDriver;
  readonly #attached = new Set<Attachment>();
  /** Reads the requests, and keeps what the server's own backend does not take. Made with the first. */
  #choice: Choice | undefined;

  /** @param ownDriver The server's own backend, which may become another. */
  constructor(settings: ServerSettings, reception: Reception<C>, ownDriver: () => LinkDriver) {
    this.#settings = settings;
    this.#reception = reception;
    this.#ownDriver = ownDriver;
  }

  /** @throws QWormholeError `ERR_QW_OPTION_INVALID`, `ERR_QW_OPTION_UNSUPPORTED`. */
  add(server: HttpServer, { path = '/' }: AttachOptions): Attachment {
    if (typeof server?.on !== 'function') throw invalid('server', server, 'is not an HTTP server');
    const target = targetOf(path, 'listen');
    if (typeof target === 'string') throw invalid('path', path, `is not a path: ${target}`);
    const taken = takenOf(server);
    if (taken.has(target.path)) throw invalid('path', path, 'is taken already at this HTTP server');
    // Any of them may stay on Node's loop, which has no thread of its own.
    assertSupported({ ...this.#settings, endpoints: [], io: undefined, ioThreads: 1 }, 'ts');
    this.#choice ??= onTypeScript(undefined);
    const { driver } = this.#choice;
    const protocol = protocolOn('ws', this.#settings.protocol);
    const spec = {
      limits: toLimits(this.#settings),
      socket: toSocketSettings(this.#settings),
      ws: toListenWebSocket(this.#settings),
      ...(protocol === 'qwh' && {
        qwh: toListenQwh(this.#settings, driver.backend, this.#reception.qwhHost),
      }),
      concerns: (asked: string) => splitTarget(asked).path === target.path,
      adopt: (adoption: Adoption) => this.#ownDriver().adopt?.(adoption),
    };
    const desk = { protocol, path: target.path };
    const handler = this.#reception.at([desk], () => listener.host);
    const listener: LinkListener = driver.attach!(server, spec, handler);
    const attachment: Attachment = {
      detach: () => {
        if (!this.#attached.delete(attachment)) return;
        taken.delete(target.path);
        void listener.close();
      },
    };
    taken.add(target.path);
    this.#attached.add(attachment);
    return attachment;
  }

  /** Takes nobody any more. */
  detachAll(): void {
    for (const attachment of this.#attached) attachment.detach();
  }

  /** No connection is left. */
  close(): void {
    this.#choice?.driver.release();
    this.#choice = undefined;
  }
}

function invalid(option: string, value: unknown, why: string): QWormholeError {
  return new QWormholeError('ERR_QW_OPTION_INVALID', `${describe(value)} ${why}`, { details: { option } });
}
