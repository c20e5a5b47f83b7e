/** The pure TypeScript backend, on `node:net`, `node:tls` and the package `ws`. */
import type { Server as HttpServer } from 'node:http';
import type {
  AttachSpec,
  DialSpec,
  Link,
  LinkDriver,
  LinkListener,
  ListenerHandler,
  ListenSpec,
} from '../link.js';
import type { QWormholeError } from '../../errors/error.js';
import { carrierOf } from '../carriers.js';
import { dial } from './dial.js';
import { TsLink } from './link.js';
import { TsListener } from './listener.js';
import { linkMemory } from './memory.js';
import { dialQwh } from './qwh-dial.js';
import { StreamCarrier } from './qwh-carrier.js';
import { dialTls } from './tls-dial.js';
import { WsAttachment } from './ws-attach.js';
import { dialWs } from './ws-dial.js';
import { WsListener } from './ws-listener.js';

export class TsDriver implements LinkDriver {
  readonly mode = 'ts';
  readonly backend = 'ts';
  /** Never called: there is nothing here that could break apart from the process. */
  onFailure: ((error: QWormholeError) => void) | undefined;
  #isReleased = false;

  constructor() {
    linkMemory.acquire();
  }

  listen(spec: ListenSpec, handler: ListenerHandler): Promise<LinkListener> {
    return spec.ws === undefined ? TsListener.open(spec, handler) : WsListener.open(spec, spec.ws, handler);
  }

  async connect(spec: DialSpec, signal?: AbortSignal): Promise<Link> {
    if (spec.ws !== undefined) return dialWs(spec, spec.ws, signal);
    const startedAt = performance.now();
    const socket = spec.tls === undefined ? await dial(spec, signal) : await dialTls(spec, spec.tls, signal);
    if (spec.qwh !== undefined)
      return dialQwh(new StreamCarrier(socket), spec, spec.qwh, { startedAt, signal });
    const link = new TsLink(socket, spec.protocol, spec.limits, {
      carrier: carrierOf(spec),
      isAccepted: false,
    });
    // The caller sets its handler when this promise resolves: well before the next turn of the loop.
    setImmediate(() => link.start());
    return link;
  }

  attach(server: HttpServer, spec: AttachSpec, handler: ListenerHandler): LinkListener {
    return new WsAttachment(server, spec, handler);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    linkMemory.release();
  }
}
