/** A server's end of one connection: what happens here is told to the server too. */
import type { CodecMessage, CodecOption, MessageTypes } from './codec/codec.js';
import { Connection } from './connection.js';
import type { SharedManner } from './policy/overflow.js';
import type { QWormholeError } from './errors/error.js';
import type { Headers } from './link/headers.js';
import type {
  ClassIndex,
  Link,
  LinkClose,
  Mode,
  Protocol,
  SendResult,
  SharedMessage,
  UpgradeRequest,
} from './link/link.js';
import type { ServerSettings } from './options/settings.js';
import type { DropRun } from './policy/drop-log.js';
import type { Handlers } from './policy/handlers.js';
import { OpeningRequest } from './policy/upgrade-request.js';
import type { Amount } from './stats.js';
import type { Profile } from './telemetry/profile.js';
import { checkTopic, type TopicTable } from './topics.js';

/** What a connection needs of its server. */
export interface ConnectionHost<C extends MessageTypes> {
  readonly topics: TopicTable<ServerConnection<C>>;
  readonly hasMessageListeners: boolean;
  /** Set: the connection is measured. */
  readonly profile: Profile | undefined;
  /** A connection has an identifier from now on. */
  identify(id: string, connection: ServerConnection<C>): void;
  deliver(message: CodecMessage<C>, connection: ServerConnection<C>, handlers?: Handlers): void;
  /** Passes on an event that the connection has fired. */
  echo(event: 'backpressure' | 'dropped' | 'drain', values: readonly unknown[]): void;
  connectionFailed(error: QWormholeError, connection: ServerConnection<C>): void;
  handlerOfConnectionFailed(error: unknown, isRejection: boolean, connection: ServerConnection<C>): void;
  connectionClosed(connection: ServerConnection<C>, close: LinkClose): void;
}

/** Somebody who has connected. */
export interface Arrival {
  readonly link: Link;
  readonly protocol: Protocol;
  /** WebSocket: what the client asked for. */
  readonly request?: UpgradeRequest;
  /** WebSocket: what `authorize` said. */
  readonly user?: unknown;
}

export class ServerConnection<C extends MessageTypes = CodecOption> extends Connection<C> {
  readonly mode: Mode;
  readonly protocol: Protocol;
  /** WebSocket: the user that `authorize` gave. */
  readonly user: unknown;
  readonly #request: UpgradeRequest | undefined;
  #opening: OpeningRequest | undefined;
  readonly #host: ConnectionHost<C>;

  /** @internal */
  constructor(host: ConnectionHost<C>, arrival: Arrival, settings: ServerSettings) {
    super(settings);
    this.mode = arrival.link.mode;
    this.protocol = arrival.protocol;
    this.user = arrival.user;
    this.#request = arrival.request;
    this.#host = host;
    if (host.profile !== undefined) this.measure(host.profile);
    this.attach(arrival.link);
  }

  // --- The request of a WebSocket ---

  /** WebSocket: the path that the client asked for, percent-encoded, without the query. */
  get path(): string | undefined {
    return this.#asked?.path;
  }

  /** WebSocket: the query that came with the path. */
  get query(): URLSearchParams | undefined {
    return this.#asked?.query;
  }

  /** WebSocket: the headers of the client's request, names in lower case; the object has no prototype. */
  get headers(): Headers | undefined {
    return this.#asked?.headers;
  }

  /** What is asked of the request is taken out of it once. */
  get #asked(): OpeningRequest | undefined {
    if (this.#request !== undefined) this.#opening ??= new OpeningRequest(this.#request);
    return this.#opening;
  }

  // --- Topics ---

  /**
   * Subscribes: what the server publishes to the topic goes to this connection, until it ends. Does nothing if
   * it is subscribed already or has ended.
   * @throws QWormholeError `ERR_QW_OPTION_INVALID` for what is no topic, `ERR_QW_TOO_MANY_TOPICS` beyond `maxTopics`.
   */
  subscribe(topic: string): void {
    checkTopic(topic);
    if (this.state !== 'closed') this.#host.topics.add(topic, this);
  }

  /** Ends a subscription; does nothing if there is none. */
  unsubscribe(topic: string): void {
    checkTopic(topic);
    this.#host.topics.delete(topic, this);
  }

  /** The topics that it is subscribed to, in the order of subscribing. */
  get topics(): readonly string[] {
    return [...this.#host.topics.topicsOf(this)];
  }

  /** @internal Its protocol can tell the peer when to come back. */
  get takesAdvice(): boolean {
    return this.handshake !== undefined;
  }

  /**
   * @internal Closes it, and tells its peer when to come back, ms. `takesRest`: what the peer has sent by the time that
   * it hears of it is delivered, if somebody listens.
   */
  dismiss(code: number, reason: string, retryAfterMs: number, takesRest: boolean): void {
    if (this.state === 'open') this.state = 'closing';
    this.closeLink(code, reason, retryAfterMs, takesRest && this.isHeard);
  }

  /** @internal A message for many connections, encoded once. */
  sendShared(message: SharedMessage, cls: ClassIndex, manner: SharedManner): SendResult {
    return this.sendSharedMessage(message, cls, manner);
  }

  /** @internal The server's listeners are others than before. */
  hostListenersChanged(): void {
    this.updateFlow();
  }

  protected override newId(): string {
    const id = super.newId();
    this.#host.identify(id, this);
    return id;
  }

  protected override onDrained(): void {
    super.onDrained();
    this.#host.echo('drain', [this]);
  }

  /** @internal Adds what is not written yet to a total. */
  addBufferedTo(total: Amount): void {
    total.bytes += this.bufferedAmount;
    total.messages += this.bufferedMessages;
  }

  protected override hasOtherConsumers(): boolean {
    return this.#host.hasMessageListeners;
  }

  protected override deliver(message: CodecMessage<C>): void {
    super.deliver(message);
    this.#host.deliver(message, this, this.handlers);
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
    this.#host.topics.leave(this);
    this.finish(close);
    this.#host.connectionClosed(this, close);
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
