/**
 * A server: its endpoints and its life. `listen` binds, `close` drains, and in between the backend may
 * break and be replaced. All is built on the seam: nothing here knows which backend is at work.
 */
import type { Server as HttpServer } from 'node:http';
import { abortable, onAbort } from './abort.js';
import type { CodecInput, CodecOption, MessageTypes } from './codec/codec.js';
import { Emitter } from './emitter.js';
import { isLoopback } from './endpoint.js';
import { Attachments } from './attachments.js';
import { aborted, closed, type QWormholeError } from './errors/error.js';
import { reportHandlerError } from './handler-errors.js';
import { onTypeScript, type Choice } from './link/choose.js';
import type { Backend, Mode, SharedMessage } from './link/link.js';
import { randomId } from './ids.js';
import { Listening } from './listening.js';
import { MessageListeners } from './message-listeners.js';
import { invalidOption } from './options/check.js';
import type { ServerSettings } from './options/settings.js';
import { toListenSpec } from './options/specs.js';
import type { ServerTlsUpdate } from './tls/types.js';
import type { Io } from './policy/io.js';
import { toListenQwh } from './policy/handshake.js';
import { nativeFailed, nativeFailureAction, whilePortIsTaken } from './policy/native-failure.js';
import type { WaitOptions } from './policy/waits.js';
import { warnPublicBind, warnUnheard } from './policy/warnings.js';
import { HandshakeErrors } from './policy/handshake-errors.js';
import { Reception } from './reception.js';
import { Roster } from './roster.js';
import { checkBroadcastOptions, checkDuration } from './sending.js';
import type { ServerConnection } from './server-connection.js';
import { shareMessage } from './shared-message.js';
import type {
  AttachOptions,
  Attachment,
  BroadcastOptions,
  BroadcastResult,
  QWormholeServerLike,
  ServerCloseOptions,
  ServerEvents,
} from './server-like.js';
import type { ServerStats } from './stats.js';
import type { Labels } from './telemetry/labels.js';
import { metricsText } from './telemetry/metrics.js';
import { Observation } from './telemetry/observation.js';
import type { ServerTelemetry } from './telemetry/snapshot.js';
import type { ServerTls } from './tls/server-tls.js';
import { TlsService } from './tls/service.js';
import { checkTopic } from './topics.js';

/** Grace of `shutdown`, ms. */
const SHUTDOWN_GRACE_MS = 5000;

const NO_ADDRESSES: readonly string[] = Object.freeze([]);

type State = 'idle' | 'opening' | 'listening' | 'moving' | 'draining' | 'closed';

export class QWormholeServer<C extends MessageTypes = CodecOption>
  extends Emitter<ServerEvents<C>>
  implements QWormholeServerLike<C>
{
  readonly id = randomId();
  readonly #settings: ServerSettings;
  readonly #observation: Observation;
  readonly #roster: Roster<C>;
  readonly #reception: Reception<C>;
  readonly #attachments: Attachments<C>;
  readonly #handshakeErrors = new HandshakeErrors(
    (...failure) => void this.fire('handshakeError', ...failure),
  );
  readonly #tls: TlsService | undefined;
  #choice: Choice;
  #state: State = 'idle';
  #opening: Promise<readonly string[]> | undefined;
  #listening: Listening | undefined;
  #closing: Promise<void> | undefined;
  #isRef = true;
  readonly #stopListening: (() => void) | undefined;
  readonly #listeners = new MessageListeners(this);

  /** @internal Use `listen` or `createQWormholeServer`. */
  constructor(settings: ServerSettings, choice: Choice, tls?: ServerTls) {
    super();
    this.#settings = settings;
    this.#choice = choice;
    const call = (listener: (value: unknown) => unknown, value: unknown): void =>
      this.call(listener, [value]);
    this.#observation = new Observation('server', this, settings, call);
    this.#roster = new Roster(settings, {
      listeners: this.#listeners,
      profile: this.#observation.profile,
      fire: (event, ...values) => void this.fire(event, ...values),
      report: (error, connection) => this.#report(error, connection),
      handlerFailed: (error, isRejection, connection) =>
        reportHandlerError(this, error, isRejection, connection),
    });
    this.#reception = new Reception(settings, this.#roster, {
      report: (error) => this.#report(error),
      handshakeFailed: (...failure) => this.#handshakeErrors.tell(...failure),
    });
    this.#attachments = new Attachments(settings, this.#reception, () => this.#choice.driver);
    this.#tls = tls && this.#serviceOf(tls);
    choice.driver.onFailure = (error) => void this.#driverFailed(error);
    const { signal } = settings;
    this.#stopListening = signal && onAbort(signal, () => void this.close());
  }

  get mode(): Mode {
    return this.#choice.mode;
  }

  get backend(): Backend {
    return this.#choice.backend;
  }

  get io(): Io | undefined {
    return this.#choice.io;
  }

  get ready(): boolean {
    return this.#state === 'listening';
  }

  get addresses(): readonly string[] {
    return this.#listening?.addresses ?? NO_ADDRESSES;
  }

  get connections(): Iterable<ServerConnection<C>> {
    return this.#roster;
  }

  [Symbol.iterator](): Iterator<ServerConnection<C>> {
    return this.#roster[Symbol.iterator]();
  }

  listen(options: WaitOptions = {}): Promise<readonly string[]> {
    const { signal } = this.#settings;
    if (signal?.aborted) return Promise.reject(aborted(signal));
    if (this.#closing !== undefined) return Promise.reject(closed('server'));
    if (options.signal?.aborted) return Promise.reject(aborted(options.signal));
    this.#observation.start(this.#choice.driver);
    this.#opening ??= this.#open(options.signal);
    return abortable(abortable(this.#opening, signal), options.signal);
  }

  close({ gracefulMs = 0, spreadMs = 0, signal }: ServerCloseOptions = {}): Promise<void> {
    checkDuration('gracefulMs', gracefulMs);
    checkDuration('spreadMs', spreadMs);
    const graceMs = Math.max(gracefulMs, spreadMs);
    this.#closing ??= this.#end(spreadMs, graceMs > 0);
    this.#roster.cutAfter(graceMs);
    return abortable(this.#closing, signal);
  }

  shutdown(gracefulMs = SHUTDOWN_GRACE_MS): Promise<void> {
    return this.close({ gracefulMs });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  broadcast(message: CodecInput<C>, options: BroadcastOptions<C> = {}): BroadcastResult {
    return this.#roster.broadcast(this.#share(message, options), options);
  }

  publish(topic: string, message: CodecInput<C>, options: BroadcastOptions<C> = {}): BroadcastResult {
    checkTopic(topic);
    return this.#roster.publish(topic, this.#share(message, options), options);
  }

  getSubscriberCount(topic: string): number {
    return this.#roster.topics.count(topic);
  }

  attach(server: HttpServer, options: AttachOptions = {}): Attachment {
    if (this.#closing !== undefined) throw closed('server');
    return this.#attachments.add(server, options);
  }

  getConnection(id: string): ServerConnection<C> | undefined {
    return this.#roster.get(id);
  }

  getConnectionCount(): number {
    return this.#roster.size;
  }

  stats(): ServerStats {
    return { ...this.#roster.stats(), ...(this.#tls && { tls: this.#tls.stats() }) };
  }

  telemetry(): ServerTelemetry {
    const vitals = this.#observation.vitals(this.#roster.lastHandshake);
    return { role: 'server', ...vitals, ready: this.ready, ...this.stats() };
  }

  metrics(labels?: Labels): string {
    return metricsText([{ telemetry: this.telemetry(), labels }]);
  }

  updateTls(options: ServerTlsUpdate): void {
    if (this.#tls === undefined)
      throw invalidOption(
        'tls',
        options,
        'needs an endpoint with TLS, or to be given to the server when it is made',
      );
    this.#tls.update(options);
  }

  ref(): this {
    this.#isRef = true;
    this.#listening?.ref();
    return this;
  }

  unref(): this {
    this.#isRef = false;
    this.#listening?.unref();
    return this;
  }

  protected override fire(event: string, ...values: unknown[]): boolean {
    // Errors are told whether anybody listens or not.
    if (event !== 'error') this.#observation.tell(event, values);
    return super.fire(event, ...values);
  }

  /** @internal */
  handlerFailed(error: unknown, isRejection: boolean): void {
    reportHandlerError(this, error, isRejection);
  }

  protected override listenersChanged(event: string | symbol): void {
    if (event !== 'message') return;
    this.#listeners.refresh();
    this.#roster.listenersChanged();
  }

  #share(message: CodecInput<C>, options: BroadcastOptions<C>): SharedMessage {
    checkBroadcastOptions(options);
    const { text } = options;
    const { codec, maxMessage } = this.#settings;
    return shareMessage(codec, message, maxMessage, text);
  }

  #serviceOf(tls: ServerTls): TlsService {
    return new TlsService(tls, {
      mode: () => this.#choice.mode,
      use: (settings) => this.#listening?.updateTls(settings),
      report: (error) => this.#report(error),
      handshakeFailed: (...failure) => void this.fire('tlsClientError', ...failure),
    });
  }

  #report(error: QWormholeError, connection?: ServerConnection<C>): void {
    this.#observation.tell('error', [error, connection]);
    if (this.listenerCount('error') > 0) this.fire('error', error, connection);
    else warnUnheard(error);
  }

  async #open(signal: AbortSignal | undefined): Promise<readonly string[]> {
    this.#state = 'opening';
    try {
      await this.#bindAnyhow(signal);
    } catch (error) {
      // Not the end: the caller may free the port and try again.
      if (this.#state === 'opening') this.#state = 'idle';
      this.#opening = undefined;
      throw error;
    }
    return this.addresses;
  }

  /** Binds, and once more if the backend broke meanwhile and was replaced. */
  async #bindAnyhow(signal: AbortSignal | undefined): Promise<void> {
    const choice = this.#choice;
    try {
      await this.#bind(undefined, signal);
    } catch (error) {
      if (this.#choice === choice) throw error;
      await this.#bind(undefined, signal);
    }
  }

  /** Binds and says so; undone if the server was closed or the signal aborted meanwhile. */
  async #bind(ports: readonly number[] | undefined, signal?: AbortSignal): Promise<void> {
    const qwh = toListenQwh(this.#settings, this.#choice.backend, this.#reception.qwhHost);
    const places = this.#settings.endpoints.map((each, index) => {
      const endpoint = ports === undefined ? each : { ...each, port: ports[index] };
      return { endpoint, spec: toListenSpec(this.#settings, endpoint, this.#tls?.settings, qwh) };
    });
    const { driver } = this.#choice;
    const listening = await Listening.open(driver, places, this.#settings, (endpoints) => ({
      ...this.#reception.at(endpoints, () => endpoints[0].host),
      onTlsError: (...failure) => this.#tls?.handshakeFailed(...failure),
    }));
    if (this.#closing !== undefined || signal?.aborted) {
      await listening.close();
      throw signal?.aborted ? aborted(signal) : closed('server');
    }
    this.#listening = listening;
    this.#state = 'listening';
    this.#tls?.start();
    if (!this.#isRef) listening.unref();
    const exposed = places.findIndex(({ spec }) => spec.tls === undefined && !isLoopback(spec.host));
    if (exposed !== -1) warnPublicBind(listening.addresses[exposed]);
    this.fire('listening', listening.addresses);
  }

  async #end(spreadMs: number, isGraceful: boolean): Promise<void> {
    const opening = this.#opening;
    this.#state = 'draining';
    this.#stopListening?.();
    this.#tls?.stop();
    const gone = this.#roster.drain(spreadMs, isGraceful);
    // Behind it: those who wait there are told when to come back.
    this.#attachments.detachAll();
    // From a tick of its own: nobody hears events from inside of a call.
    await Promise.resolve();
    this.fire('draining');
    await Promise.all([gone, this.#listening?.close()]);
    // Until the ports were free somebody may have come: they have a moment to read when to come back.
    await this.#roster.whenParted();
    this.#reception.close();
    this.#attachments.close();
    this.#listening = undefined;
    await opening?.catch(() => {});
    this.#choice.driver.onFailure = undefined;
    this.#choice.driver.release();
    this.#state = 'closed';
    this.#observation.stop();
    this.fire('close');
  }

  /** The backend broke: its links are closed and its ports are free. */
  async #driverFailed(cause: QWormholeError): Promise<void> {
    this.#report(nativeFailed(cause));
    if (this.#closing !== undefined) return;
    const ports = this.#listening?.ports;
    this.#listening = undefined;
    if (nativeFailureAction(this.#settings, this.#choice) === 'error') return void this.close();
    this.#choice.driver.onFailure = undefined;
    this.#choice.driver.release();
    this.#choice = onTypeScript(this.#choice.nativeAvailable);
    if (ports === undefined) return;
    this.#state = 'moving';
    this.#opening = whilePortIsTaken(() => this.#bind(ports)).then(() => this.addresses);
    await this.#opening.catch((error: QWormholeError) => {
      if (this.#closing !== undefined) return;
      this.#report(error);
      void this.close();
    });
  }
}
