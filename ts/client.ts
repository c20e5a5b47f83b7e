/**
 * A client: one conversation over as many links as it takes. It keeps its listeners, its identity and,
 * within bounds, what is sent while there is no link.
 *
 * Life: `connect` makes the first link, a loss plans an attempt, `disconnect` ends it. The messaging
 * surface is that of every connection (`connection.ts`).
 */
import { onAbort } from './abort.js';
import { CloseCode } from './close-codes.js';
import type { CodecOption, MessageTypes } from './codec/codec.js';
import { Connection, type ConnectionEvents } from './connection.js';
import { aborted, closed, tooBig, type ErrorCode, type QWormholeError } from './errors/error.js';
import { reportHandlerError } from './handler-errors.js';
import { onTypeScript, type Choice } from './link/choose.js';
import { faultClose } from './link/fault.js';
import type {
  Backend,
  Carrier,
  ClassIndex,
  Link,
  LinkClose,
  Mode,
  Protocol,
  SendResult,
} from './link/link.js';
import type { ClientSettings, SettledEndpoint } from './options/settings.js';
import type { Io } from './policy/io.js';
import { nativeFailed, nativeFailureAction } from './policy/native-failure.js';
import { OfflineQueue } from './policy/offline-queue.js';
import { Backoff } from './policy/reconnect.js';
import { Caller, hangUp, type Reached } from './policy/caller.js';
import { recordHandshake } from './policy/handshake.js';
import { Deferred } from './policy/deferred.js';
import { retryAfterOf } from './policy/retry-after.js';
import type { WaitOptions } from './policy/waits.js';
import { warnUnheard } from './policy/warnings.js';
import { checkClose, sizeOf } from './sending.js';
import type { ClientStats } from './stats.js';
import type { Labels } from './telemetry/labels.js';
import { Histogram } from './telemetry/histogram.js';
import { metricsText } from './telemetry/metrics.js';
import { Observation } from './telemetry/observation.js';
import type { ClientTelemetry } from './telemetry/snapshot.js';
import type { ClientTls } from './tls/client-tls.js';

/** Events of a client, besides those of every connection. */
export interface ClientEvents<C extends MessageTypes = CodecOption> extends ConnectionEvents<C> {
  /** A link stands. */
  connect: [];
  /** Messages can flow: after `connect`, and after the handshake where the protocol has one. */
  ready: [];
  /** A link is lost; `reconnecting` or `close` follows. */
  disconnect: [code: number, reason: string, clean: boolean];
  /** An attempt is planned: its number since the loss, the pause before it in ms, and why the last one failed. */
  reconnecting: [attempt: number, delayMs: number, error?: QWormholeError];
  /** A listener threw or rejected. Without a listener for this the error is rethrown as Node does. */
  handlerError: [error: unknown];
}

/** How soon queued messages are offered again to a link that refused them, ms. */
const PUMP_AGAIN_MS = 50;

export class QWormholeClient<C extends MessageTypes = CodecOption> extends Connection<C, ClientEvents<C>> {
  readonly #settings: ClientSettings;
  readonly #caller: Caller;
  readonly #observation: Observation;
  #choice: Choice;
  /** The promise of `connect`, from the first call on; gone when it failed. */
  #connecting: Deferred | undefined;
  /** Calls of `connect` that wait for it and have not given up. */
  #callers = 0;
  /** Cancels the attempt that is under way. */
  #attempt: AbortController | undefined;
  readonly #backoff: Backoff | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  /** Attempts since `connect` was called, or since the loss. */
  #attempts = 0;
  /** The one that was reached last, else the first; none where they are asked for and none was reached. */
  #endpoint: SettledEndpoint | undefined;
  /** Messages go straight to the link: it takes them, and none is queued before them. */
  #isDirect = false;
  readonly #offline: OfflineQueue | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;
  #pumpTimer: NodeJS.Timeout | undefined;
  #connectedAt = 0;
  #connects = 0;
  #disconnects = 0;
  /** Attempts ever begun, and those that failed. */
  #made = 0;
  readonly #failed: Partial<Record<ErrorCode, number>> = {};
  readonly #handshakeTimes = new Histogram();
  #isRef = true;
  readonly #stopListening: (() => void) | undefined;

  /** @internal Use `connect` or `createQWormholeClient`. */
  constructor(settings: ClientSettings, choice: Choice, tls?: ClientTls) {
    super(settings);
    this.#observation = new Observation('client', this, settings, (listener, value) =>
      this.call(listener, [value]),
    );
    const { profile } = this.#observation;
    this.#caller = new Caller(settings, tls, profile?.sample);
    if (profile !== undefined) this.measure(profile);
    const { reconnect, offlineQueue, memoryBudget, signal } = settings;
    this.#settings = settings;
    this.#choice = choice;
    this.#endpoint = settings.endpoints.at(0);
    if (reconnect !== false) this.#backoff = new Backoff(reconnect);
    if (offlineQueue !== false)
      this.#offline = new OfflineQueue(offlineQueue, memoryBudget, (...lost) => this.lose(...lost));
    choice.driver.onFailure = (error) => this.#driverFailed(error);
    this.#stopListening = signal && onAbort(signal, () => void this.close());
  }

  /** The backend in use. */
  get mode(): Mode {
    return this.#choice.mode;
  }

  /** The name of that backend. */
  get backend(): Backend {
    return this.#choice.backend;
  }

  /** Where the native backend serves sockets; `undefined` on the TypeScript backend. */
  get io(): Io | undefined {
    return this.#choice.io;
  }

  get protocol(): Protocol {
    return this.#endpoint?.protocol ?? this.#settings.protocol;
  }

  override get carrier(): Carrier {
    return this.#endpoint?.scheme ?? 'tcp';
  }

  protected override get bufferedMessages(): number {
    return super.bufferedMessages + (this.#offline?.messages ?? 0);
  }

  override get bufferedAmount(): number {
    return super.bufferedAmount + (this.#offline?.bytes ?? 0);
  }

  /**
   * Connects; resolves when messages can flow. The same promise until it is rejected: with the error of the
   * first attempt, unless `reconnect.initial` is set. Later losses are not its matter. A call with a signal has
   * a promise of its own; the attempt ends when the last call that waits for it is given up.
   */
  connect({ signal }: WaitOptions = {}): Promise<void> {
    const life = this.#settings.signal;
    if (life?.aborted) return Promise.reject(aborted(life));
    if (signal?.aborted) return Promise.reject(aborted(signal));
    if (this.state === 'closing' || this.state === 'closed') return Promise.reject(closed('client'));
    this.#observation.start(this.#choice.driver);
    if (this.#connecting === undefined) {
      this.#connecting = new Deferred();
      this.#callers = 0;
      this.state = 'connecting';
      void this.#call();
    }
    const { promise } = this.#connecting;
    this.#callers += 1;
    return signal === undefined ? promise : this.#cancellable(promise, signal);
  }

  /** As `close`: ends the connection, or the attempts to have one, for good. */
  disconnect(code?: number, reason?: string): Promise<void> {
    return this.close(code, reason);
  }

  override close(code = 0, reason = ''): Promise<void> {
    checkClose(code, reason, this);
    this.#cancelAttempts();
    const end = super.close(code, reason);
    this.#isDirect = false;
    if (this.link === undefined) this.#endSoon({ code, reason, clean: this.bufferedAmount === 0 });
    return end;
  }

  override terminate(code = 0, reason = ''): void {
    checkClose(code, reason, this);
    this.#cancelAttempts();
    super.terminate(code, reason);
    this.#isDirect = false;
    if (this.link === undefined) this.#endSoon({ code, reason, clean: false });
  }

  override stats(): ClientStats {
    const connects = this.#connects;
    const attempts = { made: this.#made, succeeded: connects, failed: { ...this.#failed } };
    return {
      ...super.stats(),
      connects,
      reconnects: Math.max(connects - 1, 0),
      disconnects: this.#disconnects,
      attempts,
      qwhHandshakeTime: this.#handshakeTimes.stats(),
    };
  }

  /** A snapshot: `stats()`, and what it belongs to. */
  telemetry(): ClientTelemetry {
    const { state, handshake } = this;
    return { role: 'client', ...this.#observation.vitals(handshake), state, ...this.stats() };
  }

  /** The same for Prometheus, in its text format; `labels` go to every line. */
  metrics(labels?: Labels): string {
    return metricsText([{ telemetry: this.telemetry(), labels }]);
  }

  override ref(): this {
    this.#isRef = true;
    this.#retryTimer?.ref();
    return super.ref();
  }

  override unref(): this {
    this.#isRef = false;
    this.#retryTimer?.unref();
    return super.unref();
  }

  // --- Connecting ---

  /** One attempt. */
  async #call(): Promise<void> {
    const attempt = (this.#attempt = new AbortController());
    const number = this.#attempts++;
    this.#made += 1;
    this.#observation.tell('attempt', [number]);
    let reached: Reached;
    try {
      reached = await this.#caller.call(this.#choice.driver, { number, signal: attempt.signal });
    } catch (error) {
      attempt.abort();
      if (this.#attempt === attempt) this.#attemptFailed(error as QWormholeError);
      return;
    }
    if (this.#attempt !== attempt) return hangUp(reached.link);
    this.#attempt = undefined;
    this.#endpoint = reached.endpoint;
    this.#connected(reached.link);
  }

  #connected(link: Link): void {
    this.#connects += 1;
    // The next one is the first since the loss.
    this.#attempts = 1;
    this.#connectedAt = performance.now();
    this.#backoff?.connected();
    if (!this.#isRef) link.unref();
    recordHandshake(this.#handshakeTimes, link.info.handshake);
    this.attach(link);
    // What waited goes first: the events may bring new messages.
    this.#pump();
    this.fire('connect');
    // A listener may have ended it; then the end settles the promise.
    if (this.link !== link || this.state !== 'open') return;
    this.fire('ready');
    this.#connecting?.resolve();
  }

  #attemptFailed(error: QWormholeError): void {
    this.#attempt = undefined;
    this.#failed[error.code] = (this.#failed[error.code] ?? 0) + 1;
    const { reconnect } = this.#settings;
    const isFirst = this.#connects === 0 && !(reconnect !== false && reconnect.initial);
    this.#backoff?.notBefore(retryAfterOf(error) ?? 0);
    if (!isFirst) return this.#retry(faultClose(error));
    this.#attempts = 0;
    this.state = 'idle';
    this.#rejectConnect(error);
  }

  /** Plans the next attempt, or ends as `close` says when there is none. */
  #retry(close: LinkClose): void {
    const plan = this.#backoff?.next();
    if (plan === undefined) return this.#end(close);
    this.state = 'reconnecting';
    this.#retryTimer = setTimeout(() => void this.#call(), plan.delayMs);
    if (!this.#isRef) this.#retryTimer.unref();
    this.fire('reconnecting', plan.attempt, plan.delayMs, close.error);
  }

  #cancelAttempts(): void {
    clearTimeout(this.#retryTimer);
    this.#attempt?.abort();
    this.#attempt = undefined;
  }

  /** A call of `connect` that its own signal may end. */
  #cancellable(promise: Promise<void>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopListening = onAbort(signal, () => {
        if (this.#connects > 0) return;
        stopListening();
        reject(aborted(signal));
        this.#givenUp(aborted(signal));
      });
      promise.then(resolve, reject).finally(stopListening);
    });
  }

  /** One call of `connect` waits no longer: without any, nobody wants the attempt. */
  #givenUp(error: QWormholeError): void {
    this.#callers -= 1;
    if (this.#callers > 0 || this.state === 'closing' || this.state === 'closed') return;
    this.#cancelAttempts();
    this.state = 'idle';
    this.#rejectConnect(error);
  }

  #rejectConnect(error: QWormholeError): void {
    const connecting = this.#connecting;
    this.#connecting = undefined;
    connecting?.reject(error);
  }

  // --- Losing and ending ---

  protected linkClosed(close: LinkClose): void {
    this.#isDirect = false;
    if (this.state === 'closing') return this.#end(close);
    this.#disconnects += 1;
    this.#backoff?.lost(performance.now() - this.#connectedAt, close.retryAfterMs);
    this.state = 'reconnecting';
    const { code, reason, clean, error } = close;
    // A broken backend reports itself, unless this is the end and nobody will hear it.
    const isToldLater = error?.code === 'ERR_QW_NATIVE_FAILED' && this.#backoff !== undefined;
    if (error !== undefined && !isToldLater) this.report(error);
    this.fire('disconnect', code, reason, clean);
    // Where a broken backend is the end, its report brings that end.
    if (isToldLater && nativeFailureAction(this.#settings, this.#choice) === 'error') return;
    if (this.state === 'reconnecting') this.#retry({ code, reason, clean });
  }

  /** The peer has ended its side: our messages wait for the next link, if there is to be one. */
  protected override peerEnded(): void {
    if (this.state !== 'open') return;
    if (this.#backoff !== undefined) this.#isDirect = false;
    clearTimeout(this.#pumpTimer);
    this.closeLink(CloseCode.ok, '');
  }

  /** @internal The link ends and not the client, if it may have another. */
  override endLink(code: number, reason: string): void {
    if (this.#backoff === undefined) return super.endLink(code, reason);
    this.#isDirect = false;
    this.closeLink(code, reason);
  }

  /** Without a link there is nothing to wait for, but `close` is not fired from inside a call. */
  #endSoon(close: LinkClose): void {
    process.nextTick(() => this.#end(close));
  }

  #end(close: LinkClose): void {
    if (this.state === 'closed') return;
    this.#cancelAttempts();
    clearTimeout(this.#expiryTimer);
    clearTimeout(this.#pumpTimer);
    const { signal } = this.#settings;
    this.#stopListening?.();
    if (this.#offline !== undefined) this.traffic.discard(this.#offline.clear());
    this.#choice.driver.onFailure = undefined;
    this.#choice.driver.release();
    this.finish(close);
    this.#observation.stop();
    this.#rejectConnect(signal?.aborted ? aborted(signal) : (close.error ?? closed('client')));
  }

  /** The backend broke: its links are closed. */
  #driverFailed(cause: QWormholeError): void {
    const error = nativeFailed(cause);
    this.report(error);
    if (this.state === 'closing' || this.state === 'closed') return;
    const wasCalling = this.#attempt !== undefined;
    if (nativeFailureAction(this.#settings, this.#choice) === 'error') {
      const { code, reason } = faultClose(error);
      return this.#end({ code, reason, clean: false });
    }
    this.#choice.driver.onFailure = undefined;
    this.#choice.driver.release();
    this.#choice = onTypeScript(this.#choice.nativeAvailable);
    this.#attempt?.abort();
    if (wasCalling) void this.#call();
  }

  // --- Sending without a link ---

  protected override sendPayload(
    payload: string | Uint8Array,
    cls: ClassIndex,
    isText: boolean,
    key?: string,
  ): SendResult {
    if (this.#isDirect) return super.sendPayload(payload, cls, isText, key);
    return this.sendWithoutLink(payload, sizeOf(payload), cls, isText, key);
  }

  protected sendWithoutLink(
    payload: string | Uint8Array,
    size: number,
    cls: ClassIndex,
    isText: boolean,
    key?: string,
  ): SendResult {
    const { maxMessage } = this.#settings;
    if (size > maxMessage) throw tooBig(size, maxMessage);
    if (this.state === 'closing' || this.state === 'closed') return this.drop('closed', size);
    if (this.#offline === undefined) return this.drop('offline', size);
    const manner = { cls, isText, key, overflow: this.overflow };
    const refusal = this.#offline.push(payload, size, performance.now(), manner);
    if (refusal !== undefined) return this.drop(refusal, size);
    this.#watchAge();
    return this.accept(size, 'backpressure');
  }

  /** Gives the link what waited for it, as far as it takes it. */
  #pump(): void {
    const { link } = this;
    if (link === undefined || this.state !== 'open') return;
    for (let next = this.#offline?.peek(); next !== undefined; next = this.#offline?.peek()) {
      if (next.size > link.maxSend) {
        // The peer that is there now takes less than we do.
        this.#offline?.shift();
        this.traffic.discard({ bytes: next.size, messages: 1 });
        this.drop('too-big', next.size);
        continue;
      }
      if (link.send(next.payload, next.cls, next.size, next.isText) === 'dropped') {
        this.#pumpTimer = setTimeout(() => this.#pump(), PUMP_AGAIN_MS).unref();
        return;
      }
      this.#offline?.shift();
    }
    clearTimeout(this.#expiryTimer);
    this.#expiryTimer = undefined;
    this.#isDirect = true;
    if (this.isBackpressured || this.isFlushAwaited) link.notifyEmpty();
  }

  /** @internal */
  override onDrain(): void {
    if (this.#isDirect) super.onDrain();
  }

  /** @internal */
  override onEmpty(): void {
    if (!this.#isDirect) return;
    super.onEmpty();
    if (this.isBackpressured) super.onDrain();
  }

  /** Drops what becomes too old. */
  #watchAge(): void {
    const at = this.#offline?.expiresAt;
    if (at === undefined || this.#expiryTimer !== undefined) return;
    this.#expiryTimer = setTimeout(
      () => {
        this.#expiryTimer = undefined;
        const gone = this.#offline!.expire(performance.now());
        this.traffic.discard(gone);
        if (gone.messages > 0) this.drop('expired', gone.bytes, gone.messages);
        this.#watchAge();
      },
      Math.max(at - performance.now(), 1),
    ).unref();
  }

  // --- Telling ---

  protected override fire(event: string, ...values: unknown[]): boolean {
    // Errors are told whether anybody listens or not.
    if (event !== 'error') this.#observation.tell(event, event === 'connect' ? [this] : values);
    return super.fire(event, ...values);
  }

  protected report(error: QWormholeError): void {
    this.#observation.tell('error', [error]);
    if (this.listenerCount('error') > 0) this.fire('error', error);
    else warnUnheard(error);
  }

  /** @internal */
  handlerFailed(error: unknown, isRejection: boolean): void {
    reportHandlerError(this, error, isRejection);
  }
}
