/** An end of a connection, as far as its link makes it: what it goes over, and with whom. */
import { Emitter, type EventMap } from './emitter.js';
import type { Carrier, Link, LinkInfo } from './link/link.js';
import type { HandshakeInfo } from './link/qwh.js';
import { sessionOf, type ConnectionTls } from './tls/session.js';

export abstract class Linked<Events extends EventMap<Events>> extends Emitter<Events> {
  protected link: Link | undefined;
  /** Of the last link. */
  protected info: LinkInfo | undefined;

  /** What carries the messages. */
  get carrier(): Carrier {
    return this.info?.route.carrier ?? 'tcp';
  }

  /** WebSocket: the subprotocol that both ends agreed on, empty for none. */
  get subprotocol(): string | undefined {
    return this.info?.route.subprotocol;
  }

  /** Of the protocol qwh: who the peer is, and what both ends agreed on; that of the last link of a client. */
  get handshake(): HandshakeInfo | undefined {
    return this.info?.handshake;
  }

  /** The TLS session: what was agreed on, the peer's certificate, keying material. `undefined` without TLS. */
  get tls(): ConnectionTls | undefined {
    return sessionOf(this.info?.tls, this.link);
  }

  /** The peer's address; that of the last one after the end, empty before the first. */
  get remoteAddress(): string {
    return this.info?.remoteAddress ?? '';
  }

  get remotePort(): number {
    return this.info?.remotePort ?? 0;
  }

  get localAddress(): string {
    return this.info?.route.localAddress ?? '';
  }

  get localPort(): number {
    return this.info?.route.localPort ?? 0;
  }

  /** The process lives at least as long as the connection: the default. */
  ref(): this {
    this.link?.ref();
    return this;
  }

  /** The connection does not keep the process alive. */
  unref(): this {
    this.link?.unref();
    return this;
  }
}
