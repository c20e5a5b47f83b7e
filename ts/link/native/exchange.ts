/**
 * One I/O thread, or inline I/O, as this environment sees it: the shared buffers, the links by number, and the
 * dispatch of event batches. All of the hot receive path is here.
 */
import { environmentBudget } from '../budget.js';
import { markLent } from '../shared-memory.js';
import { environmentTurn, type Waiter } from '../turn.js';
import { View } from '../view.js';
import { Ballast } from './ballast.js';
import type { IoCore, NativeBinding } from './binding.js';
import { EVENT_WORDS, EventKind, KIND_BITS, KIND_MASK } from './descriptor.js';
import { faultOf, nativeFailure } from './faults.js';
import { closedOf, infoOf, insecureOf } from './events.js';
import { Meetings, withHandshake } from './meetings.js';
import type { QwhListenSettings, QwhRefusal } from '../qwh.js';
import type { Kept } from './kept.js';
import type { NativeLink } from './link.js';
import { type LinkName, Operation, Outbox, OUTBOX_BYTES } from './outbox.js';
import type { Carrier, LinkInfo } from '../link.js';
import type { Io } from '../../policy/io.js';
import type { ListenerTls } from './tls.js';
import { RequestText } from './request-text.js';
import { type NativeUpgrade, Upgrades } from './upgrades.js';
import type { QWormholeError } from '../../errors/error.js';

/** Most connections of one I/O thread: the memory for their counters is reserved, not touched. */
const SLOTS = 256 * 1024;

/** Events taken at once: about what a JavaScript thread handles in a tenth of a millisecond, if listeners are quick. */
const BATCH = 1024;

/**
 * Memory for received bytes: what stays in the second-level cache, and four of the largest reads (`MAX_READ` in
 * `src/link/inbound.rs`), so that messages of 64 KiB leave nothing of it over. Four keep both sides busy.
 */
const SLAB_BYTES = 4 * 68 * 1024;
const SLABS = 4;
const FIRST_SLAB = 1;
const NO_MEMORY = new ArrayBuffer(0);

/** Who hears of a listener's events. */
export interface ListenerEvents {
  readonly carrier: Carrier;
  /** Of a listener with TLS. */
  readonly tls?: ListenerTls;
  /** Of a listener that speaks QWH/1. */
  readonly qwh: QwhListenSettings | undefined;
  /** It takes nobody any more: those hear so whose handshake began before. */
  readonly isClosing: boolean;
  onUnmet(error: QWormholeError, remoteAddress: string, remotePort: number): void;
  /** `upgrade`: what the link began with, on WebSocket. */
  onOpened(link: LinkName, info: LinkInfo, upgrade: NativeUpgrade | undefined): void;
  onAsked(upgrade: NativeUpgrade): void;
  /** It could not accept; as `faultOfText` reads it. */
  onFailed(fault: string): void;
  onClosed(): void;
}

/** A client whose handshake waits. */
interface Handshake {
  readonly generation: number;
  readonly tls: ListenerTls;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Who hears that the thread broke. */
export interface Owner {
  exchangeFailed(error: QWormholeError): void;
}

export class Exchange implements Waiter {
  readonly core: IoCore;
  readonly outbox: Outbox;
  /** Bytes and messages released per slot; slot 0: released in all, held for unfinished messages. */
  readonly counters = new Uint32Array(new ArrayBuffer(2 * 4 * SLOTS));
  /** Payload bytes ever accepted, modulo 2^32, less what ended links never wrote. */
  accepted = 0;
  /** Set once the thread broke. */
  failure: QWormholeError | undefined;
  readonly listeners = new Map<number, ListenerEvents>();
  readonly owners = new Set<Owner>();
  readonly #upgrades = new Upgrades();
  readonly #meetings: Meetings;
  /** Clients whose TLS handshake waits for its owner, by slot. */
  readonly #handshakes = new Map<number, Handshake>();
  readonly #hot;
  readonly #kept: Kept;
  /** Bytes of delivered messages that our paused links keep. */
  #held = 0;
  readonly #removeGauge: () => void;
  #links: (NativeLink | undefined)[] = [];
  readonly #events: Uint32Array;
  /** Which of them is dispatched next, and how many there are. */
  #next = 0;
  #count = 0;
  readonly #ballast = new Ballast();
  #slab = NO_MEMORY;
  /** The number of `#slab`, and the last that was given. */
  #slabId = 0;
  #slabIds = 0;
  #holders = 0;

  /** @throws QWormholeError if the system gives no thread, or cannot do inline I/O. */
  constructor(binding: NativeBinding, kept: Kept, io: Io) {
    const incoming = new ArrayBuffer(4 * EVENT_WORDS * BATCH);
    const outgoing = new ArrayBuffer(OUTBOX_BYTES);
    this.#events = new Uint32Array(incoming);
    this.#kept = kept;
    const inline = io === 'inline';
    const buffers = [this.counters.buffer, incoming, outgoing] as const;
    this.core = new binding.IoCore(...buffers, this.#dispatch, kept.memory, inline);
    const fault = this.core.fault();
    if (fault) throw faultOf(fault, { during: 'listen', what: inline ? 'inline I/O' : 'an I/O thread' });
    this.#hot = this.core.functions();
    this.outbox = new Outbox(outgoing, this.#hot);
    this.#meetings = new Meetings(this.outbox);
    for (let count = 0; count < SLABS; count += 1) this.#lend();
    // Fails where the runtime has no buffers of others' memory, before anything depends on it.
    this.#open(FIRST_SLAB);
    this.#removeGauge = environmentBudget.addGauge(() => this.#used());
  }

  /** Takes a link in; its number is its own until it is over. */
  add(link: NativeLink): void {
    this.#links[link.slot] = link;
  }

  /** The link is over: its number may be given out again. */
  remove(link: NativeLink): void {
    this.#links[link.slot] = undefined;
  }

  /** A paused link keeps so many bytes more, or fewer. */
  keep(bytes: number): void {
    this.#held += bytes;
    this.#kept.add(bytes);
  }

  /** The links of one owner. */
  linksOf(owner: Owner): NativeLink[] {
    return this.#links.filter((link) => link?.owner === owner) as NativeLink[];
  }

  /** A listener is closed: its handshakes that wait are given up, those of WebSockets and QWH/1 with an answer. */
  dismiss(listener: number): void {
    const events = this.listeners.get(listener);
    // The thread broke: nothing waits there any more.
    if (events === undefined) return;
    const { tls, qwh } = events;
    this.#upgrades.dismiss(listener);
    if (qwh !== undefined) this.#meetings.dismiss(listener, () => qwh.refusalAtEnd());
    for (const [slot, { generation, tls: its }] of this.#handshakes) {
      if (its !== tls) continue;
      this.#handshakes.delete(slot);
      this.outbox.operation(Operation.terminate, { slot, generation });
    }
  }

  /** Whether a client's TLS handshake still waits for an answer. */
  isShakingHands({ slot, generation }: LinkName): boolean {
    return this.#handshakes.get(slot)?.generation === generation;
  }

  /** A client's TLS handshake is refused, unless it is over. */
  refuse(client: LinkName, error: QWormholeError): void {
    if (!this.isShakingHands(client)) return;
    const { tls, remoteAddress, remotePort } = this.#handshakes.get(client.slot)!;
    this.#handshakes.delete(client.slot);
    this.outbox.operation(Operation.deny, client);
    tls.onError(error, remoteAddress, remotePort);
  }

  /** One more or one fewer thing that keeps the process alive. */
  hold(count: 1 | -1): void {
    this.#holders += count;
    if (this.#holders === 0) this.#hot.hold(false);
    else if (this.#holders === 1 && count === 1) this.#hot.hold(true);
  }

  #used(): number {
    return ((this.accepted - this.counters[0]) >>> 0) + this.counters[1] + this.#held;
  }

  #lend(): void {
    this.#slabIds = (this.#slabIds + 1) >>> 0;
    this.#hot.lend(this.#slabIds, SLAB_BYTES);
  }

  #open(id: number): void {
    this.#ballast.add(SLAB_BYTES);
    // Where no buffer can be had its messages are copied one by one, see `#rescued`: never views of another slab.
    this.#slabId = id;
    this.#slab = NO_MEMORY;
    this.#slab = this.#hot.slab(id);
    // Other messages lie in it, so a transfer is refused where Node heeds that; see `#rescued` for the rest.
    markLent(this.#slab);
  }

  readonly #dispatch = (count: number): number => {
    if (!environmentTurn.admits(count)) return this.#begin(count);
    this.outbox.begin();
    this.#range(0, count);
    return this.outbox.end();
  };

  /** Begins a batch that the turn may not admit as a whole. */
  #begin(count: number): number {
    this.#next = 0;
    this.#count = count;
    const portion = this.#goOn();
    if (this.#isBehind) this.#hot.pause(true);
    return portion;
  }

  /** Dispatches as much of the batch as the turn of the loop admits; gives what is to be submitted, or 0. */
  #goOn(): number {
    this.outbox.begin();
    let granted = 0;
    while (this.#isBehind && (granted = environmentTurn.grant(this.#count - this.#next)) > 0) {
      this.#range(this.#next, this.#next + granted);
      this.#next += granted;
    }
    if (this.#isBehind) environmentTurn.wait(this);
    return this.outbox.end();
  }

  /** A part of the batch is not dispatched yet. */
  get #isBehind(): boolean {
    return this.#next < this.#count;
  }

  onTurn(): void {
    const portion = this.#goOn();
    if (portion !== 0) this.#hot.submit(portion);
    if (!this.#isBehind) this.#hot.pause(false);
  }

  /** Dispatches the events from `index` to before `end`. */
  #range(index: number, end: number): void {
    // A throw out of here would lose the rest of the batch: whatever threw, the rest goes on.
    while (index < end) {
      try {
        for (; index < end; index += 1) this.#one(index * EVENT_WORDS);
      } catch (error) {
        index += 1;
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #one(at: number): void {
    const events = this.#events;
    const stamp = events[at + 1];
    const link = this.#links[events[at]];
    if (link !== undefined && link.messageStamp === stamp)
      return link.deliver(this.#view(events[at + 2], events[at + 3]), false);
    if (link !== undefined && link.textStamp === stamp)
      return link.deliver(this.#view(events[at + 2], events[at + 3]), true);
    const kind = stamp & KIND_MASK;
    if (kind === EventKind.slab) return this.#nextSlab(events[at + 5]);
    if (link !== undefined && link.generation === stamp >>> KIND_BITS) return this.#ofLink(link, kind, at);
    this.#ofListener(kind, at);
  }

  #view(offset: number, length: number): Buffer {
    try {
      return new View(this.#slab, offset, length);
    } catch {
      return this.#rescued(offset, length);
    }
  }

  /**
   * A message whose memory was transferred away by a listener of another, through a byte stream for instance, or for
   * which no buffer could be had.
   */
  #rescued(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length);
    this.#hot.copyLent(this.#slabId, offset, bytes);
    return bytes;
  }

  #nextSlab(id: number): void {
    try {
      if (id !== this.#slabId) this.#open(id);
    } finally {
      this.#lend();
    }
  }

  #ofLink(link: NativeLink, kind: number, at: number): void {
    const length = this.#events[at + 3];
    const aux = this.#events[at + 5];
    if (kind === EventKind.assembled) link.deliver(this.#parcel(aux, length), false);
    else if (kind === EventKind.assembledText) link.deliver(this.#parcel(aux, length), true);
    else if (kind === EventKind.released) link.onReleased();
    else if (kind === EventKind.ended) link.onEnded();
    else if (kind === EventKind.opened) {
      const info = infoOf(this.#text(aux), link.info.route.carrier);
      link.onOpened(withHandshake(info, this.#meetings.take(link)));
    } else if (kind === EventKind.met) {
      const text = this.#text(aux);
      this.#met(link, text);
    } else if (kind === EventKind.secured)
      link.call?.onSecured?.(infoOf(this.#text(aux), link.info.route.carrier));
    else if (kind === EventKind.closed) this.#closed(link, at);
  }

  /** A server that was called has said who it is. */
  #met(link: NativeLink, text: string): void {
    const { call } = link;
    call?.onAnswer?.();
    if (call?.qwh === undefined) return;
    const { carrier } = link.info.route;
    const onRefused = ({ error }: QwhRefusal): void => void (call.refusal = error);
    void this.#meetings.meet(link, text, { settings: call.qwh, carrier, listener: 0, onRefused });
  }

  #closed(link: NativeLink, at: number): void {
    const events = this.#events;
    const aux = events[at + 5];
    const how = { clean: events[at + 2] === 1, code: events[at + 3], retryAfterMs: events[at + 4] };
    this.#meetings.end(link);
    const text = aux === 0 ? undefined : this.#text(aux);
    link.onClosed(closedOf(how, text, link));
  }

  /** Events without a link that is known: of a listener, or of a link that nobody has taken in. */
  #ofListener(kind: number, at: number): void {
    const events = this.#events;
    const [aux, listener] = [events[at + 5], this.listeners.get(events[at + 4])];
    const target = { slot: events[at], generation: events[at + 1] >>> KIND_BITS };
    if (kind === EventKind.opened) {
      this.#handshakes.delete(target.slot);
      const opened = infoOf(this.#text(aux), listener?.carrier ?? 'tcp');
      const info = withHandshake(opened, this.#meetings.take(target));
      if (listener !== undefined) listener.onOpened(target, info, this.#upgrades.take(target));
      // Accepted before its listener closed, told of afterwards.
      else this.outbox.operation(Operation.terminate, target);
    } else if (kind === EventKind.asked) {
      const request = new RequestText(this.#text(aux));
      if (listener !== undefined)
        listener.onAsked(this.#upgrades.add(target, events[at + 4], request, this.outbox));
      else this.outbox.operation(Operation.terminate, target);
    } else if (kind === EventKind.met || kind === EventKind.unmet) {
      this.#ofMeeting(kind, target, this.#text(aux), events[at + 4]);
    } else if (kind >= EventKind.greeted) {
      this.#ofHandshake(kind, target, events[at + 2], this.#text(aux), listener);
    } else if (kind === EventKind.closed) {
      this.#handshakes.delete(target.slot);
      this.#upgrades.take(target)?.end();
      this.#meetings.end(target);
      if (aux !== 0) this.#text(aux);
      this.outbox.operation(Operation.release, target);
    } else if (kind === EventKind.listenerFailed) listener?.onFailed(this.#text(aux));
    else if (kind === EventKind.listenerClosed) listener?.onClosed();
    else if (kind === EventKind.failed) this.#failed(this.#text(aux));
    // A message for a link that is over is void; its parcel goes with it.
    else if (kind === EventKind.assembled || kind === EventKind.assembledText)
      this.#parcel(aux, events[at + 3]);
  }

  /** A client's handshake of QWH/1 has a question to its owner, or has failed. */
  #ofMeeting(kind: number, client: LinkName, text: string, listener: number): void {
    const events = this.listeners.get(listener);
    if (kind === EventKind.unmet) {
      const { hello } = events?.qwh ?? {};
      const { error, address, port } = insecureOf(text, hello && { hello, initiates: false });
      return events?.onUnmet(this.#meetings.errorOf(client) ?? error, address, port);
    }
    if (events?.qwh === undefined) return this.outbox.operation(Operation.terminate, client);
    const { qwh: settings, carrier, isClosing } = events;
    if (isClosing) return this.#meetings.turnAway(client, settings.refusalAtEnd());
    void this.#meetings.meet(client, text, { settings, carrier, listener });
  }

  /** A client's TLS handshake has a question to its owner, or has failed. `revision`: of the settings it is under. */
  #ofHandshake(
    kind: number,
    client: LinkName,
    revision: number,
    text: string,
    listener: ListenerEvents | undefined,
  ): void {
    const tls = listener?.tls;
    if (kind === EventKind.insecure) {
      const { error, address, port } = insecureOf(text);
      this.#handshakes.delete(client.slot);
      return tls?.onError(error, address, port);
    }
    if (!tls?.isAnswering(revision)) return this.outbox.operation(Operation.terminate, client);
    const { generation } = client;
    if (kind === EventKind.greeted) {
      const [remoteAddress, remotePort, servername] = text.split('\n');
      const from = { remoteAddress, remotePort: Number(remotePort) };
      this.#handshakes.set(client.slot, { generation, tls, ...from });
      return void tls.onGreeted(this, client, { servername, revision });
    }
    const { remoteAddress, remotePort, tls: info } = infoOf(text, listener!.carrier);
    this.#handshakes.set(client.slot, { generation, tls, remoteAddress, remotePort });
    void tls.onSecured(this, client, { info: info!, remoteAddress, remotePort }, revision);
  }

  /** The thread broke: everything that lived on it is over. */
  #failed(why: string): void {
    const error = nativeFailure(why);
    this.failure = error;
    this.#upgrades.endAll();
    this.#meetings.endAll();
    this.#handshakes.clear();
    for (const link of this.#links) link?.onClosed({ clean: false, error, farewell: undefined });
    for (const listener of this.listeners.values()) listener.onClosed();
    this.listeners.clear();
    for (const owner of this.owners) owner.exchangeFailed(error);
    this.owners.clear();
    this.#forgetMemory();
  }

  /** Nothing of a broken thread is kept or counted. */
  #forgetMemory(): void {
    this.#removeGauge();
    this.#links = [];
    this.#slab = NO_MEMORY;
  }

  #text(ticket: number): string {
    return this.#hot.takeText(ticket) ?? '';
  }

  #parcel(ticket: number, length: number): Buffer {
    this.#ballast.add(length);
    const bytes = Buffer.allocUnsafeSlow(length);
    this.#hot.takeBytes(ticket, bytes);
    return bytes;
  }
}
