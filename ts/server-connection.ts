/** A server's end of one connection: what happens here is told to the server too. */
import type { CodecMessage, CodecOption } from './codec/codec.js';
import { Connection } from './connection.js';
import type { QWormholeError } from './errors/error.js';
import type { ClassIndex, Link, LinkClose, Protocol, SendResult } from './link/link.js';
import type { SharedSettings } from './options/settings.js';
import type { DropRun } from './policy/drop-log.js';
import type { Traffic } from './stats.js';

/** What a connection needs of its server. */
export interface ConnectionHost<C extends CodecOption> {
  readonly hasMessageListeners: boolean;
  deliver(message: CodecMessage<C>, connection: ServerConnection<C>): void;
  /** Passes on an event that the connection has fired. */
  echo(event: 'backpressure' | 'dropped' | 'drain', values: readonly unknown[]): void;
  connectionFailed(error: QWormholeError, connection: ServerConnection<C>): void;
  handlerOfConnectionFailed(error: unknown, isRejection: boolean, connection: ServerConnection<C>): void;
  connectionClosed(connection: ServerConnection<C>, close: LinkClose, traffic: Traffic): void;
}

export class ServerConnection<C extends CodecOption = CodecOption> extends Connection<C> {
  readonly protocol: Protocol;
  readonly #host: ConnectionHost<C>;

  /** @internal */
  constructor(host: ConnectionHost<C>, link: Link, protocol: Protocol, settings: SharedSettings) {
    super(settings);
    this.protocol = protocol;
    this.#host = host;
    this.attach(link);
  }

  /** @internal A message for many connections, encoded once. */
  sendEncoded(payload: Uint8Array, cls: ClassIndex): SendResult {
    return this.sendPayload(payload, cls);
  }

  /** @internal The server's listeners are others than before. */
  hostListenersChanged(): void {
    this.updateFlow();
  }

  /** @internal */
  override onDrain(): void {
    super.onDrain();
    this.#host.echo('drain', [this]);
  }

  /** @internal Adds this connection's counters to a total. */
  addTrafficTo(total: Traffic): void {
    total.add(this.traffic);
  }

  protected override hasOtherConsumers(): boolean {
    return this.#host.hasMessageListeners;
  }

  protected override deliver(message: CodecMessage<C>): void {
    super.deliver(message);
    this.#host.deliver(message, this);
  }

  protected override onBackpressure(): void {
    super.onBackpressure();
    this.#host.echo('backpressure', [this.bufferedAmount, this]);
  }

  protected override onDropped(run: DropRun): void {
    super.onDropped(run);
    this.#host.echo('dropped', [run, this]);
  }

  protected sendWithoutLink(_payload: string | Uint8Array, size: number): SendResult {
    return this.drop('closed', size);
  }

  protected linkClosed(close: LinkClose): void {
    this.finish(close);
    this.#host.connectionClosed(this, close, this.traffic);
  }

  protected report(error: QWormholeError): void {
    if (this.listenerCount('error') > 0) this.fire('error', error);
    else this.#host.connectionFailed(error, this);
  }

  /** @internal */
  handlerFailed(error: unknown, isRejection: boolean): void {
    this.#host.handlerOfConnectionFailed(error, isRejection, this);
  }
}
