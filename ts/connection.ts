/**
 * The messaging surface that both ends share: all that can be done with one peer. A server has one of
 * these for each client; a client is one itself, over all the links of its life.
 *
 * Methods by family: sending (`send`, `flush`, `flushed`, `drained`, `bufferedAmount`), receiving (the
 * event `message`, iteration, `pause`, `resume`), ending (`close`, `terminate`, `Symbol.asyncDispose`),
 * looking (`id`, `state`, addresses, `stats`). The `on…` methods are the link's reports, not for users.
 */
import { codecFor } from './codec/builtin.js';
import type { Codec, CodecInput, CodecMessage, CodecOption } from './codec/codec.js';
import type { ConnectionEvents, ConnectionState } from './connection-events.js';
import { Emitter, type EventMap } from './emitter.js';
import { closed, type QWormholeError } from './errors/error.js';
import { randomId } from './ids.js';
import { Iterators, type MessageIterator } from './iteration.js';
import type {
  Carrier,
  ClassIndex,
  DropReason,
  Link,
  LinkClose,
  LinkHandler,
  LinkInfo,
  Mode,
  Protocol,
  SendResult,
  SharedMessage,
} from './link/link.js';
import type { HandshakeInfo } from './link/qwh.js';
import { MessageListeners } from './message-listeners.js';
import { sessionOf, type ConnectionTls } from './tls/session.js';
import type { SharedSettings } from './options/settings.js';
import type { Outgoing } from './policy/backlog.js';
import { DropLog, type DropRun } from './policy/drop-log.js';
import { Handlers } from './policy/handlers.js';
import { checkKey, checkOverflow, type Overflow, type SharedManner } from './policy/overflow.js';
import { IdleWatch, type Idler } from './policy/idle.js';
import { Pressure } from './policy/pressure.js';
import { Waits, type WaitOptions } from './policy/waits.js';
import { checkClose, classOf, isTextOf, NORMAL, sizeOf, type SendOptions } from './sending.js';
import { Traffic, type TrafficStats } from './stats.js';
import type { Latencies } from './telemetry/latencies.js';
import { copyOf } from './link/copy-of.js';
import { measured } from './telemetry/measured.js';

export type { ConnectionEvents, ConnectionState };

export abstract class Connection<
  C extends CodecOption = CodecOption,
  Events extends ConnectionEvents<C> & EventMap<Events> = ConnectionEvents<C>,
>
  extends Emitter<Events>
  implements LinkHandler, Idler, AsyncIterable<CodecMessage<C>>, AsyncDisposable
{
  /** Random, 128 bits, in hexadecimal. */
  readonly id: string = randomId();
  /** @internal */
  readonly traffic = new Traffic();
  protected link: Link | undefined;
  readonly #codec: Codec;
  /** Messages are bytes, and strings where the carrier tells text from bytes. */
  readonly #isBytes: boolean;
  /** Messages are their payloads: the codec `buffer` has nothing to do for bytes. */
  readonly #isPlain: boolean;
  readonly #copies: boolean;
  readonly #settings: SharedSettings;
  #overflow: Overflow;
  #state: ConnectionState = 'idle';
  #info: LinkInfo | undefined;
  #isPaused = false;
  /** Whether the link was told to deliver. */
  #isFlowing = false;
  #isBackpressured = false;
  /** Messages go the long way, by `#pressure`: while backpressured, and always under a hard rate. */
  #isHindered: boolean;
  readonly #listeners = new MessageListeners(this);
  readonly #iterators = new Iterators<CodecMessage<C>>(this);
  #drops: DropLog | undefined;
  /** Of messages that were accepted before. */
  #losses: DropLog | undefined;
  /** Set: the number of handlers at work is bounded. */
  protected readonly handlers: Handlers | undefined;
  /** Made when first needed, these four: most connections never wait for anything. */
  #pressure: Pressure | undefined;
  #drainWaits: Waits | undefined;
  #emptyWaits: Waits | undefined;
  #closeWaits: Waits | undefined;
  #idleWatch: IdleWatch | undefined;

  protected constructor(settings: SharedSettings) {
    super();
    this.#codec = settings.codec;
    this.#copies = settings.copy;
    this.#settings = settings;
    this.#overflow = settings.overflow;
    this.#isHindered = settings.outboundRate?.isHard === true;
    if (settings.concurrency !== Infinity)
      this.handlers = new Handlers(settings.concurrency, () => this.updateFlow());
    this.#isBytes = settings.codec === codecFor('buffer');
    this.#isPlain = this.#isBytes && !settings.copy;
  }

  /** The wire protocol. */
  abstract get protocol(): Protocol;

  /** The backend in use. */
  abstract get mode(): Mode;

  // --- Sending ---

  /**
   * Offers a message and says at once what became of it: `sent`, `backpressure` (accepted, but wait for
   * `drain`), or `dropped` (not accepted; the event `dropped` says why). Bytes may be reused afterwards.
   * @throws QWormholeError `ERR_QW_ENCODE`, or `ERR_QW_TOO_BIG` above `maxMessage`.
   */
  send(message: CodecInput<C>, options?: SendOptions): SendResult {
    const cls = options === undefined ? NORMAL : classOf(options.class);
    const key = options?.key;
    if (key !== undefined) checkKey(key);
    if (this.#isPlain && (message as unknown) instanceof Uint8Array && options?.text === undefined)
      return this.sendPayload(message, cls, false, key);
    const payload = this.#codec.encode(message);
    return this.sendPayload(payload, cls, isTextOf(payload, options?.text), key);
  }

  /** What happens when the peer takes less than is sent to it. At first the option of the same name. */
  get overflow(): Overflow {
    return this.#overflow;
  }

  set overflow(overflow: Overflow) {
    checkOverflow(overflow);
    this.#overflow = overflow;
  }

  /** Hands over now what would wait for the end of the tick. */
  flush(): void {
    this.link?.flush();
  }

  /** Payload bytes accepted and not yet taken by the kernel. */
  get bufferedAmount(): number {
    const waiting = this.#pressure === undefined ? 0 : this.#pressure.bytes;
    return this.link === undefined ? waiting : this.link.bufferedAmount + waiting;
  }

  /** Resolves when `send` answers `backpressure` no longer: at once if it does not. Rejects when the connection ends. */
  drained(options?: WaitOptions): Promise<void> {
    if (this.#state === 'closed') return Promise.reject(closed('connection'));
    const promise = (this.#drainWaits ??= new Waits()).add(options);
    if (!this.#isBackpressured) this.#drainWaits?.resolve();
    return promise;
  }

  /** Resolves when the kernel has taken all that is accepted so far. Rejects when the connection ends before. */
  flushed(options?: WaitOptions): Promise<void> {
    if (this.#state === 'closed') return Promise.reject(closed('connection'));
    const promise = (this.#emptyWaits ??= new Waits()).add(options);
    this.flush();
    this.link?.notifyEmpty();
    return promise;
  }

  // --- Receiving ---

  /** Stops delivery at once, also among messages that came together; the socket is read no further than to notice its end. */
  pause(): void {
    this.#isPaused = true;
    this.updateFlow();
  }

  /** Delivers what waited and reads on. */
  resume(): void {
    this.#isPaused = false;
    this.updateFlow();
  }

  /**
   * Messages one after the other, read no faster than the loop takes them. The loop counts as a listener
   * from its first step and ends with the connection.
   */
  [Symbol.asyncIterator](): MessageIterator<CodecMessage<C>> {
    return this.#iterators.create();
  }

  // --- Ending ---

  /**
   * Sends what is queued, ends our side and waits for the peer's end, at most `closeTimeoutMs`. Resolves when
   * the connection is closed.
   * @param code From the table of close codes, 0 to 65535. Default: 0, nothing is wrong.
   * @param reason For people. `qwh` cuts it at 256 bytes, WebSocket without it at 123; the other protocols of TCP carry
   * neither code nor reason to the peer.
   */
  close(code = 0, reason = ''): Promise<void> {
    checkClose(code, reason, this);
    if (this.#state === 'closed') return Promise.resolve();
    this.state = 'closing';
    this.closeLink(code, reason);
    return (this.#closeWaits ??= new Waits()).add();
  }

  /** Resets the connection; what is queued is lost. The event `close` follows. */
  terminate(code = 0, reason = ''): void {
    checkClose(code, reason, this);
    if (this.#state === 'closed') return;
    this.state = 'closing';
    this.link?.terminate(code, reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- Looking ---

  get state(): ConnectionState {
    return this.#state;
  }

  protected set state(state: ConnectionState) {
    this.#state = state;
  }

  /** What carries the messages. */
  get carrier(): Carrier {
    return this.#info?.carrier ?? 'tcp';
  }

  /** WebSocket: the subprotocol that both ends agreed on, empty for none. */
  get subprotocol(): string | undefined {
    return this.#info?.subprotocol;
  }

  /** Of the protocol qwh: who the peer is, and what both ends agreed on; that of the last link of a client. */
  get handshake(): HandshakeInfo | undefined {
    return this.#info?.handshake;
  }

  /** The TLS session: what was agreed on, the peer's certificate, keying material. `undefined` without TLS. */
  get tls(): ConnectionTls | undefined {
    return sessionOf(this.#info?.tls, this.link);
  }

  /** The peer's address; that of the last one after the end, empty before the first. */
  get remoteAddress(): string {
    return this.#info?.remoteAddress ?? '';
  }

  get remotePort(): number {
    return this.#info?.remotePort ?? 0;
  }

  get localAddress(): string {
    return this.#info?.localAddress ?? '';
  }

  get localPort(): number {
    return this.#info?.localPort ?? 0;
  }

  /** Counters since the start. */
  stats(): TrafficStats {
    return this.traffic.stats({ bytes: this.bufferedAmount, messages: this.bufferedMessages });
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

  // --- Reports of the link ---

  /** @internal */
  onMessage(payload: Buffer, isText: boolean): void {
    const { traffic } = this;
    traffic.messagesIn += 1;
    traffic.bytesIn += payload.length;
    if (isText && this.#isBytes) this.deliver(payload.toString() as CodecMessage<C>);
    else if (this.#isPlain) this.deliver(payload as CodecMessage<C>);
    else this.#decode(payload);
  }

  /** @internal */
  onDrain(): void {
    const { link } = this;
    if (link !== undefined && this.#pressure?.feed(link) === false) return;
    this.#losses?.end();
    this.#isBackpressured = false;
    this.#isHindered = this.#settings.outboundRate?.isHard === true;
    this.traffic.drains += 1;
    this.onDrained();
    if (!this.#isBackpressured) this.#drainWaits?.resolve();
  }

  /** @internal */
  onEmpty(): void {
    if (this.#pressure !== undefined && this.#pressure.messages > 0) {
      this.onDrain();
      this.link?.notifyEmpty();
    } else this.#emptyWaits?.resolve();
  }

  /** @internal */
  iteratorsChanged(): void {
    this.updateFlow();
  }

  /** @internal The peer has said all it will: our side ends when the loops have used what they hold. */
  onEnd(): void {
    this.#iterators.whenIdle(() => this.peerEnded());
  }

  /** @internal */
  onClose(close: LinkClose): void {
    const { link } = this;
    if (link !== undefined)
      this.traffic.discard({ bytes: link.bufferedAmount, messages: link.bufferedMessages });
    if (this.#pressure !== undefined) this.traffic.discard(this.#pressure.clear());
    if (close.error?.code === 'ERR_QW_HEARTBEAT_TIMEOUT') this.traffic.heartbeatTimeouts += 1;
    this.link = undefined;
    this.#idleWatch?.stop();
    this.#isFlowing = false;
    this.linkClosed(close);
  }

  // --- For the two ends ---

  /** The link is over. */
  protected abstract linkClosed(close: LinkClose): void;

  /** There is no link: what becomes of a message? */
  protected abstract sendWithoutLink(
    payload: string | Uint8Array,
    size: number,
    cls: ClassIndex,
    isText: boolean,
  ): SendResult;

  /** Somebody besides this object's own listeners and loops wants the messages. */
  protected hasOtherConsumers(): boolean {
    return false;
  }

  /** Tells of an error that no call can throw. */
  protected abstract report(error: QWormholeError): void;

  /** @internal */
  get isHeard(): boolean {
    return !this.#listeners.isEmpty || !this.#iterators.isEmpty || this.hasOtherConsumers();
  }

  /** Goes on with a link. */
  protected attach(link: Link): void {
    this.link = link;
    this.#info = link.info;
    link.handler = this;
    this.#state = 'open';
    this.updateFlow();
    this.#idleWatch = IdleWatch.start(this, this.traffic, this.#settings.idleTimeoutMs);
  }

  /** @internal Messages may wait to be received. */
  get isHeldUp(): boolean {
    return this.isHeard && !this.#isFlowing;
  }

  #decode(payload: Buffer): void {
    let message: CodecMessage<C>;
    try {
      message = this.#codec.decode(this.#copies ? copyOf(payload) : payload) as CodecMessage<C>;
    } catch (error) {
      this.traffic.undecodable += 1;
      return this.report(error as QWormholeError);
    }
    this.deliver(message);
  }

  /** Sends what is encoded already. */
  protected sendPayload(
    payload: string | Uint8Array,
    cls: ClassIndex,
    isText: boolean,
    key?: string,
  ): SendResult {
    const { link } = this;
    const size = sizeOf(payload);
    if (link === undefined) return this.sendWithoutLink(payload, size, cls, isText);
    if (this.#isHindered) return this.#sendHindered(link, { payload, size, cls, isText, key });
    const result = link.send(payload, cls, size, isText);
    if (result === 'dropped') return this.#refused(link, { payload, size, cls, isText, key });
    return this.accept(size, result);
  }

  /** Sends one message of many, encoded once. */
  protected sendSharedMessage(message: SharedMessage, cls: ClassIndex, manner: SharedManner): SendResult {
    const { link } = this;
    const { size } = message;
    if (link === undefined) return this.sendWithoutLink(message.payload, size, cls, message.isText);
    if (this.#isHindered) return this.#sendHindered(link, { ...message, cls, key: manner.key }, manner);
    const result = link.sendShared(message, cls);
    if (result === 'dropped') return this.#refused(link, { ...message, cls, key: manner.key }, manner);
    return this.accept(size, result);
  }

  #sendHindered(link: Link, message: Outgoing, manner?: SharedManner): SendResult {
    if (this.#state !== 'open') return this.drop('closed', message.size);
    return this.#pressured.send(link, message, this.#overflowOf(manner), manner !== undefined);
  }

  #refused(link: Link, message: Outgoing, manner?: SharedManner): SendResult {
    return this.#pressured.refused(link, message, this.#overflowOf(manner), manner !== undefined);
  }

  #overflowOf(manner: SharedManner | undefined): Overflow {
    const overflow = manner?.overflow ?? this.#overflow;
    // Nobody waits for the one slow connection of many.
    return overflow === 'block' && manner !== undefined ? 'drop-newest' : overflow;
  }

  get #pressured(): Pressure {
    return (this.#pressure ??= new Pressure(this.#settings, this));
  }

  /** @internal A message of `size` bytes was accepted. */
  accept(size: number, result: 'sent' | 'backpressure'): SendResult {
    const { traffic } = this;
    traffic.messagesOut += 1;
    traffic.bytesOut += size;
    if (this.#drops?.isOpen) this.#drops.end();
    if (result === 'backpressure' && !this.#isBackpressured) this.onBackpressure();
    return result;
  }

  /** @internal `send` has answered `backpressure`, and `drain` has not come yet. */
  get isBackpressured(): boolean {
    return this.#isBackpressured;
  }

  /** Somebody waits until everything is written. */
  protected get isFlushAwaited(): boolean {
    return this.#emptyWaits !== undefined && !this.#emptyWaits.isEmpty;
  }

  /** @internal Messages of `size` bytes in all were not accepted. */
  drop(reason: DropReason, size: number, messages = 1): 'dropped' {
    this.traffic.drop(reason, size, messages);
    this.#drops ??= new DropLog((run) => this.onDropped(run));
    this.#drops.add(reason, size, messages);
    return 'dropped';
  }

  /**
   * Measures from now on. This object alone gets other methods, so that nothing is asked per message where nobody
   * measures.
   */
  protected measure(latencies: Latencies): void {
    const outbound = {
      accepted: () => this.traffic.bytesOut,
      buffered: () => this.bufferedAmount,
      link: () => this.link,
    };
    const methods = {
      onMessage: this.onMessage.bind(this),
      deliver: this.deliver.bind(this),
      accept: this.accept.bind(this),
    };
    Object.assign(this, measured(methods, latencies, outbound));
  }

  /** @internal A message that was accepted is dropped. */
  lose(reason: DropReason, size: number): void {
    this.traffic.drop(reason, size);
    this.traffic.discard({ bytes: size, messages: 1 });
    this.#losses ??= new DropLog((run) => this.onDropped(run));
    this.#losses.add(reason, size);
  }

  /** @internal Ends the connection; one that connects again loses its link only. */
  endLink(code: number, reason: string): void {
    void this.close(code, reason);
  }

  /** @internal */
  feed(): void {
    if (this.link !== undefined) this.onDrain();
  }

  /** Ends our side behind all that is accepted. */
  protected closeLink(code: number, reason: string, retryAfterMs?: number, takesRest?: boolean): void {
    const { link } = this;
    if (link === undefined) return;
    this.#pressure?.handOver(link);
    link.close(code, reason, retryAfterMs, takesRest);
  }

  /** Messages accepted and not yet wholly taken by the kernel. */
  protected get bufferedMessages(): number {
    return (this.link?.bufferedMessages ?? 0) + (this.#pressure?.messages ?? 0);
  }

  protected onDrained(): void {
    this.fire('drain');
  }

  /** Gives a message to whoever listens. */
  protected deliver(message: CodecMessage<C>): void {
    if (!this.#listeners.isEmpty) this.#listeners.call(message, this.handlers);
    if (!this.#iterators.isEmpty) this.#iterators.push(message);
  }

  /** Has the link deliver or not: not before somebody listens, and not while somebody wants a pause. */
  protected updateFlow(): void {
    const isBusy = this.#iterators.isFull || this.handlers?.isFull === true;
    const flows = this.isHeard && !this.#isPaused && !isBusy;
    if (flows === this.#isFlowing || this.link === undefined) return;
    this.#isFlowing = flows;
    if (flows) this.link.resume();
    else this.link.pause();
  }

  protected peerEnded(): void {
    if (this.#state === 'open') void this.close();
  }

  protected onBackpressure(): void {
    this.#isBackpressured = this.#isHindered = true;
    this.traffic.backpressures += 1;
    this.fire('backpressure', this.bufferedAmount);
  }

  protected onDropped(run: DropRun): void {
    this.fire('dropped', run);
  }

  /** The end, once. */
  protected finish({ code, reason, clean, error }: LinkClose): void {
    this.#drops?.end();
    this.#losses?.end();
    this.#state = 'closed';
    this.#iterators.finish();
    const isClosed = closed('connection');
    this.#drainWaits?.reject(isClosed);
    this.#emptyWaits?.reject(isClosed);
    // A broken backend is reported once, by the backend, not by each of its connections.
    if (error !== undefined && error.code !== 'ERR_QW_NATIVE_FAILED') this.report(error);
    this.fire('close', code, reason, clean);
    this.#closeWaits?.resolve();
  }

  protected override listenersChanged(event: string | symbol): void {
    if (event !== 'message') return;
    this.#listeners.refresh();
    this.updateFlow();
  }
}
