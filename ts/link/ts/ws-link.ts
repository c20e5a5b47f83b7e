/**
 * One WebSocket of the package `ws`.
 *
 * Receiving: the package gives whole messages. While paused the socket is still read until so much is held as
 * may be: that is how the end of the peer is noticed, and its pings are answered. What is held is delivered
 * before the end is told, or dropped if nobody comes to listen. Sending: `ws-outbox.ts`.
 */
import type { Socket } from 'node:net';
import { fromSystem, type QWormholeError } from '../../errors/error.js';
import { markShared } from '../shared-memory.js';
import { faultClose } from '../fault.js';
import type {
  ClassIndex,
  LinkClose,
  LinkInfo,
  LinkLimits,
  SharedMessage,
  WebSocketSettings,
} from '../link.js';
import { fitReason, fromWebSocketCode, toWebSocketCode } from '../websocket-codes.js';
import { discardRest } from './discard.js';
import { RATE_EXCEEDED, rateLimited } from './faults.js';
import type { Framing } from './framing.js';
import { READ_AHEAD } from './memory.js';
import { CHUNK, Intake } from './pace.js';
import { environmentTurn } from '../turn.js';
import { Pulse, type Signer } from './pulse.js';
import { SocketLink } from './socket-link.js';
import { faultOfTls } from './tls-faults.js';
import { linkInfo } from './link-info.js';
import { Control } from './ws-control.js';
import { faultOfWs, flood } from './ws-faults.js';
import { SocketWriter } from './socket-writer.js';
import { WsOutbox } from './ws-outbox.js';
import type { LinkedWebSocket, SocketOwner } from './ws-package.js';
import { stopAtFault, unfinishedIn } from './ws-receiver.js';
import { WsReader, type MessageTaker } from './ws-reader.js';
import { Undelivered } from './undelivered.js';
import { unmaskByWords } from './ws-unmask.js';

/** A close code of the package: the connection ended without a close frame. */
const ABNORMAL = 1006;
/** What goes out where a code has no form on the wire. */
const INTERNAL = 1011;
/** What a peer hears that sends too many control frames. */
const POLICY = 1008;

/** Signs of life say nothing. */
const NOTHING = Buffer.alloc(0);
/** A socket that is gone is noticed elsewhere. */
const ignore = (): void => {};

/** On the socket: whose it is. */
const LINK = Symbol('link');

interface LinkedSocket extends Socket {
  [LINK]?: WsLink;
}

export class WsLink extends SocketLink implements SocketOwner, MessageTaker, Signer {
  readonly info: LinkInfo;
  readonly #ws: LinkedWebSocket;
  protected readonly outbox: SocketWriter | WsOutbox;
  readonly #settings: WebSocketSettings;
  /** Set: what is received is bounded. */
  readonly #intake: Intake | undefined;
  /** With the first control frame. */
  #control: Control | undefined;
  /** Delivered while paused, in order. */
  readonly #waiting = new Undelivered();
  /** What the peer did wrong: told when everything before it is delivered. */
  #fault: LinkClose | undefined;
  /** The socket is gone; the end is told after what is held. */
  #over: LinkClose | undefined;
  #socketError: Error | undefined;
  /** Unless nobody is watched. */
  readonly #pulse: Pulse | undefined;

  /**
   * @param socket That of `ws`. It has an error listener already.
   * @param framing That of our end.
   */
  constructor(
    ws: LinkedWebSocket,
    socket: Socket,
    framing: Framing,
    limits: LinkLimits,
    settings: WebSocketSettings,
  ) {
    super(socket, limits);
    const isDeflated = ws.extensions.includes('permessage-deflate');
    this.info = linkInfo(socket, ['ws', 'wss'], { subprotocol: ws.protocol, isDeflated });
    this.#ws = ws;
    this.outbox = this.#outboxFor(framing, limits, settings);
    this.#intake = limits.inbound && new Intake(limits.inbound, () => this.wake());
    this.#settings = settings;
    unmaskByWords(ws);
    WsReader.readFor(ws, socket, this);
    const onDead = (error: QWormholeError): void => this.kill(faultClose(error));
    this.#pulse = Pulse.start(this, onDead, socket, limits.heartbeat);
    // Only what is inflated takes its time.
    if (isDeflated) stopAtFault(ws);
    ws.owner = (socket as LinkedSocket)[LINK] = this;
    for (const [event, listener] of WsLink.#ofWebSocket) ws.on(event, listener as () => void);
    for (const [event, listener] of WsLink.#ofSocket) socket.on(event, listener as () => void);
  }

  #outboxFor(framing: Framing, limits: LinkLimits, { deflate }: WebSocketSettings): SocketWriter | WsOutbox {
    if (this.info.route.isDeflated && deflate !== false)
      return new WsOutbox(this.#ws, this.socket, deflate.threshold, this, limits);
    return new SocketWriter(this.socket, framing, this, limits);
  }

  /** Listeners that all links share: there may be very many, and most are idle. */
  static readonly #ofWebSocket = Object.entries({
    message(this: LinkedWebSocket, data: Buffer, isBinary: boolean): void {
      if (!(this.owner as WsLink).isVoid) markShared(data.buffer);
      (this.owner as WsLink).onMessage(data, !isBinary);
    },
    ping(this: LinkedWebSocket, payload: Buffer): void {
      (this.owner as WsLink).#onControl(payload);
    },
    pong(this: LinkedWebSocket): void {
      (this.owner as WsLink).#onControl(undefined);
    },
    error(this: LinkedWebSocket, error: Error): void {
      (this.owner as WsLink).#onError(error);
    },
    close(this: LinkedWebSocket, code: number, reason: Buffer): void {
      (this.owner as WsLink).#onClose(code, reason);
    },
  });
  static readonly #ofSocket = Object.entries({
    error(this: LinkedSocket, error: Error): void {
      this[LINK]!.#socketError = error;
    },
    data(this: LinkedSocket, chunk: Buffer): void {
      this[LINK]!.#pulse?.heard();
      this[LINK]!.#account();
      this[LINK]!.#caughtUp(chunk);
    },
  });

  protected enqueueBytes(payload: Uint8Array, cls: ClassIndex, size: number, isText: boolean): void {
    this.outbox.write(payload, size, cls, isText);
  }

  protected enqueueString(payload: string, cls: ClassIndex, size: number, isText: boolean): void {
    this.outbox.writeString(payload, size, cls, isText);
  }

  protected override enqueueShared({ payload, size, isText }: SharedMessage, cls: ClassIndex): void {
    if (this.outbox instanceof WsOutbox) this.outbox.writeShared(payload, size, cls, isText);
    else this.outbox.write(payload, size, cls, isText);
  }

  close(code: number, reason: string): void {
    if (this.ending !== undefined) return;
    this.ended = true;
    this.ending = { code, reason, clean: true };
    this.forgetReceived();
    if (this.#over !== undefined) return this.wake();
    this.restartCloseTimer();
    // What still comes is read and thrown away, so that the peer gets as far as its close frame.
    this.#ws.resume();
    // Not before the end of the tick: whoever terminates right behind wants a reset and nothing else.
    process.nextTick(() => this.#sayFarewell(toWebSocketCode(code) ?? INTERNAL, fitReason(reason)));
  }

  #sayFarewell(wireCode: number, reason: string): void {
    if (this.#over !== undefined || this.ending?.clean !== true) return;
    this.outbox.end(() => this.#ws.close(wireCode, reason));
  }

  terminate(code: number, reason: string): void {
    if (this.#over === undefined) this.ending = undefined;
    this.kill({ code, reason, clean: false, error: this.#fault?.error });
  }

  /** Nobody wants what comes any more. */
  get isVoid(): boolean {
    return this.ending !== undefined || this.#fault !== undefined;
  }

  /** A message has come whole. */
  onMessage(payload: Buffer, isText: boolean): void {
    if (this.isVoid) return;
    if (
      !this.isPaused &&
      this.#waiting.isEmpty &&
      !this.#intake?.holdsBack() &&
      !environmentTurn.defers(this)
    )
      return this.#deliver(payload, isText);
    this.#waiting.push(payload, isText);
    this.#account();
  }

  #deliver(payload: Buffer, isText: boolean): void {
    if (this.#intake?.admits(payload.length) !== false) return this.handler.onMessage(payload, isText);
    this.#waiting.clear();
    this.#breakOff(rateLimited(), RATE_EXCEEDED);
  }

  /** A chunk was read: behind a small one the socket is empty. */
  #caughtUp(chunk: Buffer): void {
    if (this.#intake !== undefined && chunk.length < CHUNK && this.#waiting.isEmpty) this.#intake.caughtUp();
  }

  /** Counts what is held after a chunk was read, and stops reading where the link or the environment holds too much. */
  #account(): void {
    if (this.ending !== undefined) return;
    this.count(unfinishedIn(this.#ws) + this.#waiting.bytes);
    this.checkMemory();
    if (this.isStarved || this.#isFarAhead) this.#pauseReading();
  }

  #pauseReading(): void {
    this.#ws.pause();
    this.#pulse?.setReading(false);
  }

  get #isFarAhead(): boolean {
    return this.held >= READ_AHEAD && (this.isPaused || !this.#waiting.isEmpty);
  }

  #onControl(ping: Buffer | undefined): void {
    if (this.isVoid) return;
    const control = (this.#control ??= new Control(this.#settings, (payload, done) =>
      this.#ws.pong(payload, undefined, done),
    ));
    if (control.admit()) {
      if (ping !== undefined) control.answer(ping);
      return;
    }
    const { controlBurst, controlPerSecond } = this.#settings;
    const allowed = `${controlBurst} control frames at once and ${controlPerSecond} a second`;
    this.#breakOff(flood('control frames'), `more than ${allowed}`);
  }

  /** The peer sends too much: it is told so, and read no further. */
  #breakOff(error: QWormholeError, reason: string): void {
    this.#fail(error);
    this.#ws.close(POLICY, fitReason(reason));
    // The package would wait for the peer's close frame, and read on until then. What it compresses comes first.
    if (this.#ws.bufferedAmount === this.socket.writableLength) this.socket.end();
  }

  onTurn(): void {
    this.#deliverWaiting(false);
    if (this.ending === undefined) {
      this.#account();
      if (!this.isStarved && !this.#isFarAhead) {
        this.#ws.resume();
        this.#pulse?.setReading(true);
      }
    }
    this.tellOver();
  }

  /** With `isLast` what is answered in a later turn is answered in vain. */
  #deliverWaiting(isLast: boolean): void {
    while (!this.isPaused && this.ending === undefined) {
      if (this.#fault === undefined && this.#intake?.holdsBack()) return;
      if (!isLast && !this.#waiting.isEmpty && environmentTurn.defers(this)) return;
      const message = this.#waiting.take();
      if (message === undefined) return;
      this.#deliver(message.payload, message.isText);
    }
  }

  sign(isPing: boolean): void {
    this.#ws[isPing ? 'ping' : 'pong'](NOTHING, undefined, ignore);
  }

  get #doing() {
    return { during: 'io', what: `${this.info.remoteAddress}:${this.info.remotePort}` } as const;
  }

  #onError(error: Error): void {
    this.#fail(faultOfWs(error, this.#doing, this.limits.maxMessage));
    // The package reads no more.
    discardRest(this.socket);
  }

  /** Called by the package. */
  beforeClose(): void {
    this.#deliverWaiting(true);
    this.outbox.shut();
  }

  /** The peer broke the rules: it is told by a close frame, and has a while to close. */
  #fail(error: QWormholeError): void {
    if (this.#fault !== undefined) return;
    this.#fault = faultClose(error);
    this.ended = true;
    this.#ws.resume();
    this.restartCloseTimer();
  }

  protected override forgetReceived(): void {
    this.#intake?.stop();
    this.#waiting.clear();
    super.forgetReceived();
  }

  protected override restartCloseTimer(): void {
    this.#pulse?.stop();
    super.restartCloseTimer();
  }

  protected onCloseTimeout(close: LinkClose): void {
    this.kill(this.#fault ?? close);
  }

  #onClose(wireCode: number, reason: Buffer): void {
    this.#pulse?.stop();
    this.stopCloseTimer();
    this.ended = true;
    this.#over = this.#closeOf(wireCode, reason);
    // A dialled link has its handler once the promise of its caller is settled, not before.
    if (this.handler === undefined) setImmediate(() => this.tellOver());
    else this.tellOver();
  }

  giveUp(): void {
    this.forgetReceived();
    this.tellOver();
  }

  #closeOf(wireCode: number, reason: Buffer): LinkClose {
    const isWhole = wireCode !== ABNORMAL && this.outbox.messages === 0;
    const ending = this.ending;
    const fault = this.#fault;
    if (ending !== undefined) {
      const clean = ending.clean && isWhole && fault === undefined;
      return { ...ending, clean, error: ending.error ?? fault?.error };
    }
    if (fault !== undefined) return fault;
    if (wireCode !== ABNORMAL)
      return { code: fromWebSocketCode(wireCode), reason: reason.toString(), clean: isWhole };
    const cause = this.#socketError ?? 'the peer ended the stream without a close frame';
    const { tls } = this.info;
    return faultClose(tls === undefined ? fromSystem(cause, this.#doing) : faultOfTls(cause, this.#doing));
  }

  protected get isOver(): boolean {
    return this.#over !== undefined;
  }

  protected get isParting(): boolean {
    return this.ending !== undefined || this.#fault !== undefined;
  }

  protected get isBehind(): boolean {
    return !this.#waiting.isEmpty;
  }

  protected outcome(): LinkClose {
    return this.#over!;
  }
}
