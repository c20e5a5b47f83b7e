/**
 * The messaging surface that both ends share: all that can be done with one peer. A server has one of
 * these for each client; a client is one itself, over all the links of its life.
 *
 * Methods by family: sending (`send`, `flush`, `flushed`, `drained`, `bufferedAmount`), receiving (the
 * event `message`, iteration, `pause`, `resume`), ending (`close`, `terminate`, `Symbol.asyncDispose`),
 * looking (`id`, `state`, addresses, `stats`). The `on…` methods are the link's reports, not for users.
 */
import { Audience } from './audience.js';
import { codecFor } from './codec/builtin.js';
import type { CodecInput, CodecMessage, CodecOption, MessageTypes } from './codec/codec.js';
import type { ConnectionEvents, ConnectionState } from './connection-events.js';
import type { EventMap } from './emitter.js';
import { closed, type QWormholeError } from './errors/error.js';
import { Linked } from './linked.js';
import { randomId } from './ids.js';
import type { MessageIterator } from './iteration.js';
import type {
  ClassIndex,
  DropReason,
  Link,
  LinkClose,
  LinkHandler,
  Mode,
  Protocol,
  SendResult,
  SharedMessage,
} from './link/link.js';
import type { SharedSettings } from './options/settings.js';
import type { Outgoing } from './policy/backlog.js';
import type { DropRun } from './policy/drop-log.js';
import { DropLogs } from './policy/drop-logs.js';
import { Handlers } from './policy/handlers.js';
import { checkKey, checkOverflow, type Overflow, type SharedManner } from './policy/overflow.js';
import { IdleWatch, type Idler } from './policy/idle.js';
import { Moments, type Moment } from './policy/moments.js';
import { Pressure } from './policy/pressure.js';
import type { WaitOptions } from './policy/waits.js';
import { checkClose, classIn, isTextOf, NORMAL, sizeOf, type SendOptions } from './sending.js';
import { Traffic, type TrafficStats } from './stats.js';
import type { Profile } from './telemetry/profile.js';
import { copyOf } from './link/copy-of.js';
import { measured, type MessageMethods } from './telemetry/measured.js';

export type { ConnectionEvents, ConnectionState };

export abstract class Connection<
  C extends MessageTypes = CodecOption,
  Events extends ConnectionEvents<C> & EventMap<Events> = ConnectionEvents<C>,
>
  extends Linked<Events>
  implements LinkHandler, Idler, AsyncIterable<CodecMessage<C>>, AsyncDisposable
{
  // Of what most connections never need nothing is made before it is needed: there may be very many of them.
  #id: string | undefined;
  #traffic: Traffic | undefined;
  /** Messages are their payloads: the codec `buffer` has nothing to do for bytes. */
  readonly #isPlain: boolean;
  readonly #settings: SharedSettings;
  #state: ConnectionState = 'idle';
  #isPaused = false;
  /** Whether the link was told to deliver. */
  #isFlowing = false;
  #isBackpressured = false;
  /** Messages go the long way, by `#pressure`: while backpressured, and always under a hard rate. */
  #isHindered: boolean;
  #audience: Audience<CodecMessage<C>> | undefined;
  #drops: DropLogs | undefined;
  /** Set: the number of handlers at work is bounded. */
  protected readonly handlers: Handlers | undefined;
  #pressure: Pressure | undefined;
  #moments: Moments | undefined;
  #idleWatch: IdleWatch | undefined;

  protected constructor(settings: SharedSettings) {
    super();
    this.#settings = settings;
    this.#isHindered = settings.outboundRate?.isHard === true;
    if (settings.concurrency !== Infinity)
      this.handlers = new Handlers(settings.concurrency, () => this.updateFlow());
    this.#isPlain = settings.codec === codecFor('buffer') && !settings.copy;
  }

  /** Random, 128 bits, in hexadecimal. */
  get id(): string {
    return (this.#id ??= this.newId());
  }

  /** The wire protocol. */
  abstract get protocol(): Protocol;

  /** The backend in use. */
  abstract get mode(): Mode;

  // --- Sending ---

  /**
   * Offers a message and says at once what became of it: `sent`, `backpressure` (accepted, but wait for
   * `drain`), or `dropped` (not accepted; the event `dropped` says why). Bytes may be reused afterwards.
   * @throws QWormholeError `ERR_QW_ENCODE`, `ERR_QW_TOO_BIG` above `maxMessage`, or `ERR_QW_OPTION_…`.
   */
  send(message: CodecInput<C>, options?: SendOptions): SendResult {
    const cls = options === undefined ? NORMAL : classIn(options);
    const key = options?.key;
    if (key !== undefined) checkKey(key);
    if (this.#isPlain && (message as unknown) instanceof Uint8Array && options?.text === undefined)
      return this.sendPayload(message, cls, false, key);
    const payload = this.#settings.codec.encode(message);
    return this.sendPayload(payload, cls, isTextOf(payload, options?.text), key);
  }

  /** What happens when the peer takes less than is sent to it. At first the option of the same name. */
  get overflow(): Overflow {
    return this.#pressure?.overflow ?? this.#settings.overflow;
  }

  set overflow(overflow: Overflow) {
    checkOverflow(overflow);
    this.#pressured.overflow = overflow;
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
    const promise = this.#wait('drained', options);
    if (!this.#isBackpressured) this.#moments?.come('drained');
    return promise;
  }

  /** Resolves when the kernel has taken all that is accepted so far. Rejects when the connection ends before. */
  flushed(options?: WaitOptions): Promise<void> {
    if (this.#state === 'closed') return Promise.reject(closed('connection'));
    const promise = this.#wait('flushed', options);
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
    return this.#heard.loop();
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
    return this.#wait('closed');
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

  /** @internal */
  get traffic(): Traffic {
    return (this.#traffic ??= new Traffic());
  }

  /** @internal Adds this connection's counters to a total. */
  addTrafficTo(total: Traffic): void {
    if (this.#traffic !== undefined) total.add(this.#traffic);
  }

  /** Counters since the start. */
  stats(): TrafficStats {
    return this.traffic.stats({ bytes: this.bufferedAmount, messages: this.bufferedMessages });
  }

  // --- Reports of the link ---

  /** @internal */
  onMessage(payload: Buffer, isText: boolean): void {
    const { traffic } = this;
    traffic.messagesIn += 1;
    traffic.bytesIn += payload.length;
    if (this.#isPlain) this.deliver((isText ? payload.toString() : payload) as CodecMessage<C>);
    else this.#decode(payload, isText);
  }

  /** @internal */
  onDrain(): void {
    const { link } = this;
    if (link !== undefined && this.#pressure?.feed(link) === false) return;
    this.#drops?.lost.end();
    this.#isBackpressured = false;
    this.#isHindered = this.#settings.outboundRate?.isHard === true;
    this.traffic.incidents.drains += 1;
    this.onDrained();
    if (!this.#isBackpressured) this.#moments?.come('drained');
  }

  /** @internal */
  onEmpty(): void {
    if (this.#pressure !== undefined && this.#pressure.messages > 0) {
      this.onDrain();
      this.link?.notifyEmpty();
    } else this.#moments?.come('flushed');
  }

  /** @internal */
  iteratorsChanged(): void {
    this.updateFlow();
  }

  /** @internal The peer has said all it will: our side ends when the loops have used what they hold. */
  onEnd(): void {
    if (this.#audience === undefined) this.peerEnded();
    else this.#audience.whenIdle(() => this.peerEnded());
  }

  /** @internal */
  onClose(close: LinkClose): void {
    const { link } = this;
    if (link !== undefined)
      this.traffic.discard({ bytes: link.bufferedAmount, messages: link.bufferedMessages });
    if (this.#pressure !== undefined) this.traffic.discard(this.#pressure.clear());
    if (close.error !== undefined) this.traffic.incidents.fault(close.error.code);
    if (close.error?.code === 'ERR_QW_HEARTBEAT_TIMEOUT') this.traffic.incidents.heartbeatTimeouts += 1;
    this.link = undefined;
    this.#idleWatch?.stop();
    this.#isFlowing = false;
    this.linkClosed(close);
  }

  // --- For the two ends ---

  /** Makes the identifier, once, when it is first asked for. */
  protected newId(): string {
    return randomId();
  }

  /** @internal Somebody has asked for the identifier. */
  get hasId(): boolean {
    return this.#id !== undefined;
  }

  /** The link is over. */
  protected abstract linkClosed(close: LinkClose): void;

  /** There is no link: what becomes of a message? */
  protected abstract sendWithoutLink(
    payload: string | Uint8Array,
    size: number,
    cls: ClassIndex,
    isText: boolean,
    key?: string,
  ): SendResult;

  /** Somebody besides this object's own listeners and loops wants the messages. */
  protected hasOtherConsumers(): boolean {
    return false;
  }

  /** Tells of an error that no call can throw. */
  protected abstract report(error: QWormholeError): void;

  /** @internal */
  get isHeard(): boolean {
    return this.#audience?.isEmpty === false || this.hasOtherConsumers();
  }

  /** Goes on with a link. */
  protected attach(link: Link): void {
    this.link = link;
    this.info = link.info;
    link.handler = this;
    this.#state = 'open';
    this.updateFlow();
    const { idleTimeoutMs } = this.#settings;
    if (idleTimeoutMs !== undefined) this.#idleWatch = new IdleWatch(this, this.traffic, idleTimeoutMs);
  }

  /** @internal Messages may wait to be received. */
  get isHeldUp(): boolean {
    return this.isHeard && !this.#isFlowing;
  }

  #decode(payload: Buffer, isText: boolean): void {
    const { codec, copy } = this.#settings;
    // Messages are bytes, and strings where the carrier tells text from bytes.
    if (isText && codec === codecFor('buffer')) return this.deliver(payload.toString() as CodecMessage<C>);
    let message: CodecMessage<C>;
    try {
      message = codec.decode(copy ? copyOf(payload) : payload) as CodecMessage<C>;
    } catch (error) {
      this.traffic.incidents.undecodable += 1;
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
    if (link === undefined) return this.sendWithoutLink(payload, size, cls, isText, key);
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
    return this.#pressured.send(link, message, manner);
  }

  #refused(link: Link, message: Outgoing, manner?: SharedManner): SendResult {
    return this.#pressured.refused(link, message, manner);
  }

  get #pressured(): Pressure {
    return (this.#pressure ??= new Pressure(this.#settings, this));
  }

  get #dropped(): DropLogs {
    return (this.#drops ??= new DropLogs((run) => this.onDropped(run)));
  }

  #wait(moment: Moment, options?: WaitOptions): Promise<void> {
    return (this.#moments ??= new Moments()).wait(moment, options);
  }

  /** @internal A message of `size` bytes was accepted. */
  accept(size: number, result: 'sent' | 'backpressure'): SendResult {
    const { traffic } = this;
    traffic.messagesOut += 1;
    traffic.bytesOut += size;
    if (this.#drops?.refused.isOpen) this.#drops.refused.end();
    if (result === 'backpressure' && !this.#isBackpressured) this.onBackpressure();
    return result;
  }

  /** @internal `send` has answered `backpressure`, and `drain` has not come yet. */
  get isBackpressured(): boolean {
    return this.#isBackpressured;
  }

  /** Somebody waits until everything is written. */
  protected get isFlushAwaited(): boolean {
    return this.#moments?.isAwaited('flushed') === true;
  }

  /** @internal Messages of `size` bytes in all were not accepted. */
  drop(reason: DropReason, size: number, messages = 1): 'dropped' {
    this.traffic.drop(reason, size, messages);
    this.#dropped.refused.add(reason, size, messages);
    return 'dropped';
  }

  /**
   * Measures from now on. This object alone gets other methods, so that nothing is asked per message where nobody
   * measures.
   */
  protected measure(profile: Profile): void {
    const outbound = {
      accepted: () => this.traffic.bytesOut,
      buffered: () => this.bufferedAmount,
      link: () => this.link,
    };
    const methods = this as unknown as MessageMethods<CodecMessage<C>>;
    Object.assign(this, measured(methods, profile, outbound));
  }

  /** @internal A message that was accepted is dropped. */
  lose(reason: DropReason, size: number): void {
    this.traffic.drop(reason, size);
    this.traffic.discard({ bytes: size, messages: 1 });
    this.#dropped.lost.add(reason, size);
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

  get #heard(): Audience<CodecMessage<C>> {
    if (this.#audience === undefined) {
      this.#audience = new Audience<CodecMessage<C>>(this);
      if (this.#state === 'closed') this.#audience.finish();
    }
    return this.#audience;
  }

  /** Gives a message to whoever listens. */
  protected deliver(message: CodecMessage<C>): void {
    this.#audience?.deliver(message, this.handlers);
  }

  /** Has the link deliver or not: not before somebody listens, and not while somebody wants a pause. */
  protected updateFlow(): void {
    const isBusy = this.#audience?.isFull === true || this.handlers?.isFull === true;
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
    this.traffic.incidents.backpressures += 1;
    this.fire('backpressure', this.bufferedAmount);
  }

  protected onDropped(run: DropRun): void {
    this.fire('dropped', run);
  }

  /** The end, once. */
  protected finish({ code, reason, clean, error }: LinkClose): void {
    this.#state = 'closed';
    this.#drops?.end();
    this.#audience?.finish();
    this.#moments?.fail('drained', () => closed('connection'));
    this.#moments?.fail('flushed', () => closed('connection'));
    // A broken backend is reported once, by the backend, not by each of its connections.
    if (error !== undefined && error.code !== 'ERR_QW_NATIVE_FAILED') this.report(error);
    this.fire('close', code, reason, clean);
    this.#moments?.come('closed');
  }

  protected override listenersChanged(event: string | symbol): void {
    if (event !== 'message') return;
    this.#heard.refresh();
    this.updateFlow();
  }
}
