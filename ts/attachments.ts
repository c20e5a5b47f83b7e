/** The HTTP servers that a server takes WebSockets from. */
import type { Server as HttpServer } from 'node:http';
import type { CodecOption } from './codec/codec.js';
import { describe } from './describe.js';
import { splitTarget, targetOf } from './endpoint-target.js';
import { QWormholeError } from './errors/error.js';
import { onTypeScript, type Choice } from './link/choose.js';
import type { ServerSettings } from './options/settings.js';
import { toLimits, toSocketSettings } from './options/specs.js';
import { assertSupported } from './options/support.js';
import { toListenWebSocket } from './options/websocket.js';
import type { Reception } from './reception.js';
import type { Attachment, AttachOptions } from './server-like.js';

export class Attachments<C extends CodecOption> {
  readonly #settings: ServerSettings;
  readonly #reception: Reception<C>;
  readonly #attached = new Set<Attachment>();
  /** Made with the first: the server's own backend may be another. */
  #choice: Choice | undefined;

  constructor(settings: ServerSettings, reception: Reception<C>) {
    this.#settings = settings;
    this.#reception = reception;
  }

  /** @throws QWormholeError `ERR_QW_OPTION_INVALID`, `ERR_QW_OPTION_UNSUPPORTED`. */
  add(server: HttpServer, { path = '/' }: AttachOptions): Attachment {
    if (typeof server?.on !== 'function') throw invalid('server', server, 'is not an HTTP server');
    const target = targetOf(path, 'listen');
    if (typeof target === 'string') throw invalid('path', path, `is not a path: ${target}`);
    assertSupported({ ...this.#settings, endpoints: [] }, 'ts');
    this.#choice ??= onTypeScript(undefined);
    const { driver, mode } = this.#choice;
    const spec = {
      limits: toLimits(this.#settings),
      socket: toSocketSettings(this.#settings),
      ws: toListenWebSocket(this.#settings),
      concerns: (asked: string) => splitTarget(asked).path === target.path,
    };
    const handler = this.#reception.at([{ protocol: 'raw', path: target.path }], mode);
    const listener = driver.attach!(server, spec, handler);
    const attachment: Attachment = {
      detach: () => {
        if (this.#attached.delete(attachment)) void listener.close();
      },
    };
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
