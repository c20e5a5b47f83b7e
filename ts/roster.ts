/** The connections of a server: who is let in, what goes to all of them, and what they add up to. */
import type { CodecMessage, MessageTypes } from './codec/codec.js';
import { CloseCode } from './close-codes.js';
import { QWormholeError } from './errors/error.js';
import { isWebSocket } from './link/carriers.js';
import { DEAF } from './link/deaf.js';
import type { Link, LinkClose, SharedMessage } from './link/link.js';
import type { HandshakeInfo, QwhRefusal } from './link/qwh.js';
import type { MessageListeners } from './message-listeners.js';
import type { ServerSettings } from './options/settings.js';
import { Crowd } from './policy/crowd.js';
import { Draining, GOING_AWAY } from './policy/draining.js';
import { Farewells } from './policy/farewells.js';
import { recordHandshake } from './policy/handshake.js';
import type { Handlers } from './policy/handlers.js';
import { checkKey, checkOverflow } from './policy/overflow.js';
import { RateLimit } from './policy/warnings.js';
import { classOf } from './sending.js';
import { ServerConnection, type Arrival, type ConnectionHost } from './server-connection.js';
import type { BroadcastOptions, BroadcastResult, ServerEvents } from './server-like.js';
import { Traffic, type ServerStats } from './stats.js';
import { Histogram } from './telemetry/histogram.js';
import type { Profile } from './telemetry/profile.js';
import { TopicTable } from './topics.js';

/** Connections that were turned away are reported at most this often, ms. */
const REFUSAL_INTERVAL_MS = 1000;

/** What a peer is told that comes too late, or when there are enough. */
const GONE = [CloseCode.shutdown, GOING_AWAY] as const;
const FULL = [CloseCode.busy, 'there are too many connections'] as const;

/** The server, as its connections need it. */
export interface ServerVoice<C extends MessageTypes> {
  readonly listeners: MessageListeners;
  fire<Name extends keyof ServerEvents<C>>(event: Name, ...values: ServerEvents<C>[Name]): void;
  /** Tells of an error that no call can throw. */
  report(error: QWormholeError, connection?: ServerConnection<C>): void;
  handlerFailed(error: unknown, isRejection: boolean, connection?: ServerConnection<C>): void;
  /** Set: the connections are measured. */
  readonly profile: Profile | undefined;
}

export class Roster<C extends MessageTypes> implements ConnectionHost<C>, Iterable<ServerConnection<C>> {
  readonly #settings: ServerSettings;
  readonly #voice: ServerVoice<C>;
  readonly #listeners: MessageListeners;
  readonly #connections = new Set<ServerConnection<C>>();
  /** Those whose identifiers were asked for: nobody knows those of the others. */
  readonly #byId = new Map<string, ServerConnection<C>>();
  /** What became of those who asked for a WebSocket. */
  readonly handshakes = { accepted: 0, refused: 0, failed: 0, abandoned: 0 };
  /** What became of those who shook hands by qwh. */
  readonly qwhHandshakes = { accepted: 0, refused: 0, failed: 0, timedOut: 0 };
  /** How long those took that were accepted. */
  readonly handshakeTimes = new Histogram();
  readonly #qwhHandshakeTimes = new Histogram();
  /** Of the peer that was accepted last. */
  lastHandshake: HandshakeInfo | undefined;
  readonly topics: TopicTable<ServerConnection<C>>;
  readonly #past = new Traffic();
  readonly #crowd: Crowd;
  #accepted = 0;
  #refused = 0;
  readonly #refusals = new RateLimit(REFUSAL_INTERVAL_MS);
  readonly #farewells = new Farewells(() => this.#checkEmpty());
  #draining: Draining | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(settings: ServerSettings, voice: ServerVoice<C>) {
    this.#settings = settings;
    this.topics = new TopicTable(settings.maxTopics);
    this.#crowd = new Crowd(settings.maxConnectionsPerAddress);
    this.#voice = voice;
    this.#listeners = voice.listeners;
  }

  get size(): number {
    return this.#connections.size;
  }

  get(id: string): ServerConnection<C> | undefined {
    return this.#byId.get(id);
  }

  [Symbol.iterator](): IterableIterator<ServerConnection<C>> {
    return this.#connections.values();
  }

  /** Whether somebody else may come in; counts and reports those who may not. */
  hasRoom(address: string): boolean {
    if (this.#draining !== undefined) return false;
    const { maxConnections } = this.#settings;
    const isFull = this.#connections.size >= maxConnections;
    if (!isFull && this.#crowd.hasRoom(address)) return true;
    this.#refused += 1;
    this.#reportRefusals(
      isFull ? `${maxConnections} already` : `${this.#crowd.most} already from ${address}`,
    );
    return false;
  }

  /** The same, in the words of QWH/1. */
  refusalOf(address: string): QwhRefusal | undefined {
    if (this.hasRoom(address)) return undefined;
    const [code, reason] = this.#draining === undefined ? FULL : GONE;
    return { code, reason, retryAfterMs: this.momentToReturn() };
  }

  /** When those may come back who come while the server leaves, each for itself, ms; 0 is no advice. */
  momentToReturn(): number {
    return this.#draining?.moment() ?? 0;
  }

  /** A peer has connected. */
  admit(arrival: Arrival): void {
    const { link } = arrival;
    const refusal = this.refusalOf(link.info.remoteAddress);
    if (link.info.handshake !== undefined)
      this.qwhHandshakes[refusal === undefined ? 'accepted' : 'refused'] += 1;
    if (refusal !== undefined) return this.#turnAway(link, refusal);
    this.lastHandshake = link.info.handshake;
    recordHandshake(this.#qwhHandshakeTimes, link.info.handshake);
    const connection = new ServerConnection<C>(this, arrival, this.#settings);
    this.#connections.add(connection);
    this.#accepted += 1;
    this.#crowd.enter(connection.remoteAddress);
    this.#voice.fire('connection', connection);
  }

  /** Closes a link that never becomes a connection, and has its client told why. */
  dismiss(link: Link, code: number, reason: string, retryAfterMs = 0): void {
    this.#farewells.say(link, code, reason, retryAfterMs);
  }

  /** Resets those that were dismissed and are still there. */
  cutDismissed(): void {
    this.#farewells.cutAll();
  }

  /** Sends a message to all open connections but some. */
  broadcast(message: SharedMessage, options: BroadcastOptions<C>): BroadcastResult {
    return this.#sendToEach(this.#connections.values(), message, options);
  }

  /** Sends a message to those that are subscribed to a topic but some. */
  publish(topic: string, message: SharedMessage, options: BroadcastOptions<C>): BroadcastResult {
    return this.#sendToEach(this.topics.members(topic), message, options);
  }

  #sendToEach(
    connections: Iterable<ServerConnection<C>>,
    message: SharedMessage,
    { except, class: name, overflow, key }: BroadcastOptions<C>,
  ): BroadcastResult {
    const cls = classOf(name);
    checkKey(key);
    if (overflow !== undefined) checkOverflow(overflow);
    const manner = { overflow, key };
    const left = except === undefined ? undefined : this.#named(except);
    let accepted = 0;
    let dropped = 0;
    for (const connection of connections) {
      if (connection.state !== 'open' || left?.has(connection)) continue;
      if (connection.sendShared(message, cls, manner) === 'dropped') dropped += 1;
      else accepted += 1;
    }
    return { accepted, dropped };
  }

  /** Ends all connections; resolves when there are none, nor anybody to be told so. Admits nobody from now on. */
  drain(spreadMs: number, isGraceful: boolean): Promise<void> {
    this.#draining = new Draining(
      () => this,
      () => this.#farewells.cutAll(),
    );
    const gone = new Promise<void>((resolve) => (this.#onEmpty = resolve));
    this.#draining.start(spreadMs, isGraceful);
    this.#checkEmpty();
    return gone;
  }

  /** Resolves when nobody is left who came after the end and is being told so. */
  async whenParted(): Promise<void> {
    if (!this.#farewells.isEmpty) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  /** Resets what is left after this time; the shortest time asked for counts. */
  cutAfter(gracefulMs: number): void {
    if (this.#onEmpty !== undefined) this.#draining?.cutAfter(gracefulMs);
  }

  stats(): ServerStats {
    const total = new Traffic();
    total.add(this.#past);
    const buffered = { bytes: 0, messages: 0 };
    for (const connection of this.#connections.values()) {
      connection.addTrafficTo(total);
      connection.addBufferedTo(buffered);
    }
    return {
      ...total.stats(buffered),
      connections: this.#connections.size,
      connectionStates: this.#states(),
      connectionsAccepted: this.#accepted,
      connectionsRefused: this.#refused,
      handshakes: { ...this.handshakes },
      qwhHandshakes: { ...this.qwhHandshakes },
      handshakeTime: this.handshakeTimes.stats(),
      qwhHandshakeTime: this.#qwhHandshakeTimes.stats(),
    };
  }

  #states(): ServerStats['connectionStates'] {
    const states = { open: 0, closing: 0 };
    for (const { state } of this.#connections.values()) states[state === 'open' ? 'open' : 'closing'] += 1;
    return states;
  }

  /** The server's `message` listeners are others than before. */
  listenersChanged(): void {
    for (const connection of this.#connections.values()) connection.hostListenersChanged();
  }

  /** Connections, some of them by their identifiers. */
  #named(except: NonNullable<BroadcastOptions<C>['except']>): Set<ServerConnection<C> | undefined> {
    if (except instanceof ServerConnection) return new Set([except]);
    const all = typeof except === 'string' ? [except] : except;
    return new Set(Array.from(all, (each) => (typeof each === 'string' ? this.get(each) : each)));
  }

  // --- Reports of the connections ---

  get profile(): Profile | undefined {
    return this.#voice.profile;
  }

  get hasMessageListeners(): boolean {
    return !this.#listeners.isEmpty;
  }

  identify(id: string, connection: ServerConnection<C>): void {
    if (this.#connections.has(connection)) this.#byId.set(id, connection);
  }

  deliver(message: CodecMessage<C>, connection: ServerConnection<C>, handlers?: Handlers): void {
    this.#listeners.callFor(message, connection, handlers);
  }

  echo<Name extends 'backpressure' | 'dropped' | 'drain'>(event: Name, values: ServerEvents<C>[Name]): void {
    this.#voice.fire(event, ...values);
  }

  connectionFailed(error: QWormholeError, connection: ServerConnection<C>): void {
    this.#voice.report(error, connection);
  }

  handlerOfConnectionFailed(error: unknown, isRejection: boolean, connection: ServerConnection<C>): void {
    this.#voice.handlerFailed(error, isRejection, connection);
  }

  connectionClosed(connection: ServerConnection<C>, { code, reason, clean }: LinkClose): void {
    connection.addTrafficTo(this.#past);
    this.#connections.delete(connection);
    if (connection.hasId) this.#byId.delete(connection.id);
    this.#crowd.leave(connection.remoteAddress);
    this.#voice.fire('clientClosed', connection, code, reason, clean);
    this.#checkEmpty();
  }

  /** A reset costs neither side anything more, however many there are; who has come through a handshake is told. */
  #turnAway(link: Link, { code, reason, retryAfterMs }: QwhRefusal): void {
    const { route, handshake } = link.info;
    if (isWebSocket(route.carrier) || handshake !== undefined)
      return this.dismiss(link, code, reason, retryAfterMs);
    link.handler = DEAF;
    link.terminate(code, reason);
  }

  #reportRefusals(crowded: string): void {
    this.#refusals.run((more) => {
      const { maxConnections } = this.#settings;
      const message = `${more + 1} connections were refused, the last because there are ${crowded}`;
      const details = { maxConnections, refused: more + 1 };
      this.#voice.report(new QWormholeError('ERR_QW_TOO_MANY_CONNECTIONS', message, { details }));
    });
  }

  #checkEmpty(): void {
    if (this.#onEmpty === undefined || this.#connections.size > 0 || !this.#farewells.isEmpty) return;
    this.#draining?.stop();
    this.#onEmpty();
    this.#onEmpty = undefined;
  }
}
