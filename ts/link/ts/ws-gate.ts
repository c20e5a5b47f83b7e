/**
 * Opening handshakes on their way to a verdict, and what becomes of them: the part that a listener of our own
 * and an HTTP server of others have in common. Each handshake has a time for all of it.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocketServer } from 'ws';
import { QWormholeError } from '../../errors/error.js';
import type {
  Adoption,
  Link,
  LinkLimits,
  ListenerHandler,
  SocketSettings,
  Upgrade,
  UpgradeRequest,
  WebSocketListenSettings,
} from '../link.js';
import { resetSocket } from './reset.js';
import { Early } from './early.js';
import { answerDeflate } from './ws-deflate.js';
import { serverFrames } from './ws-framing.js';
import { WsLink } from './ws-link.js';
import { MAX_RECORD } from '../../qwh/index.js';
import { QWH_SUBPROTOCOL, type QwhListenSettings } from '../qwh.js';
import { WsCarrier } from './qwh-carrier.js';
import { QwhGate } from './qwh-gate.js';
import { tlsInfoOf } from './tls-info.js';
import { loadWs, type LinkedWebSocket } from './ws-package.js';
import { refuseSocket } from './ws-refusal.js';
import { SentRequest, checkOpening, type Unsound } from './ws-request.js';

const NOTHING = Buffer.alloc(0);

/** How WebSockets are let in. */
export interface GateSpec {
  readonly limits: LinkLimits;
  readonly socket: SocketSettings;
  readonly ws: WebSocketListenSettings;
  /** Set: its subprotocol is spoken. */
  readonly qwh?: QwhListenSettings;
  /** Offers another driver a connection that was let in. */
  adopt?(adoption: Adoption): Link | undefined;
}

/** A connection whose handshake is under way. */
interface Pending {
  readonly startedAt: number;
  readonly timer: NodeJS.Timeout;
  readonly onClose: () => void;
  /** Set once the request has come whole. */
  handshake: Handshake | undefined;
}

export class WsGate {
  readonly spec: GateSpec;
  readonly #handler: ListenerHandler;
  readonly #pending = new Map<Socket, Pending>();
  readonly #qwh: QwhGate | undefined;
  #server: WebSocketServer | undefined;
  /** What the next handshake is answered with: the package asks while it answers. */
  #subprotocol = '';

  constructor(spec: GateSpec, handler: ListenerHandler) {
    this.spec = spec;
    this.#handler = handler;
    this.#qwh = spec.qwh && new QwhGate(spec.qwh, spec.limits);
  }

  /** Must have happened before a handshake is accepted. */
  async load(): Promise<void> {
    const { WebSocketServer, LinkedWebSocket } = await loadWs();
    const { limits, ws } = this.spec;
    const options = {
      noServer: true,
      clientTracking: false,
      autoPong: false,
      maxPayload: limits.maxMessage,
      maxFragments: ws.maxFragments,
      // The link has a timer of its own that comes first.
      closeTimeout: limits.closeTimeoutMs + 1000,
      handleProtocols: () => this.#subprotocol || false,
      WebSocket: LinkedWebSocket as never,
    };
    this.#server ??= new WebSocketServer(options);
  }

  /** A client has connected; false if there are too many whose handshake waits for its verdict. */
  begin(socket: Socket): boolean {
    // It may fail at any moment from now on, before anybody else listens.
    socket.on('error', ignore);
    const { handshakeTimeoutMs, maxPendingHandshakes } = this.spec.ws;
    if (this.#pending.size >= maxPendingHandshakes && !this.#evict()) {
      this.#tellCrowded(socket, 'all of them waited for a verdict');
      return false;
    }
    const timer = setTimeout(() => this.#expire(socket), handshakeTimeoutMs);
    const onClose = (): void => this.done(socket);
    this.#pending.set(socket, { startedAt: performance.now(), timer, onClose, handshake: undefined });
    socket.on('close', onClose);
    return true;
  }

  /** Its request has come. */
  take(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const pending = this.#pending.get(socket);
    const answer = checkOpening(request, this.spec.ws.maxHeaders);
    if ('status' in answer) return this.reject(socket, answer);
    if (pending === undefined) return void socket.destroy();
    pending.handshake = new Handshake(this, request, socket, head, answer);
    this.#handler.onUpgrade(pending.handshake);
    pending.handshake.watch();
  }

  /** Answers and closes. */
  refuse(socket: Socket, status: number, body: string, headers?: readonly string[]): void {
    this.done(socket);
    refuseSocket(socket, { status, body, headers });
  }

  /** The same, of what is no request for a WebSocket: nobody was asked about it, so its owner is told. */
  reject(socket: Socket, answer: Unsound): void {
    this.tell(socket, answer);
    this.refuse(socket, answer.status, answer.body, answer.headers);
  }

  /** Tells of a client that has been answered so. */
  tell({ remoteAddress = '', remotePort = 0 }: Socket, { status, body }: Unsound): void {
    const message = `An opening handshake was answered with ${status}: ${body}`;
    const error = new QWormholeError('ERR_QW_HANDSHAKE', message, { details: { status } });
    this.#handler.onHandshakeError?.(error, remoteAddress, remotePort);
  }

  /** Answers 101, or has another driver do so. */
  open(handshake: Handshake, subprotocol: string, onLink: (link: Link) => void): void {
    const { message, socket } = handshake;
    const startedAt = this.#pending.get(socket)?.startedAt;
    this.done(socket);
    const head = handshake.received();
    const { limits, ws } = this.spec;
    const extensions = message.headers['sec-websocket-extensions'] ?? '';
    const key = message.headers['sec-websocket-key'] ?? '';
    const isQwh = this.#qwh !== undefined && subprotocol === QWH_SUBPROTOCOL;
    const adopted = isQwh
      ? undefined
      : this.spec.adopt?.({ socket, head, key, extensions, subprotocol, limits, ws });
    if (adopted !== undefined) return onLink(adopted);
    this.#answer(handshake, { head, startedAt }, subprotocol, onLink);
  }

  #answer(
    { message, socket }: Handshake,
    { head, startedAt }: { head: Buffer; startedAt?: number },
    subprotocol: string,
    onLink: (link: Link) => void,
  ): void {
    const { limits, ws: settings, socket: socketSettings } = this.spec;
    const server = this.#server!;
    this.#subprotocol = subprotocol;
    const { headers } = message;
    const qwh = subprotocol === QWH_SUBPROTOCOL ? this.#qwh : undefined;
    server.options.maxPayload = qwh === undefined ? limits.maxMessage : MAX_RECORD;
    const wished = qwh === undefined && settings.deflate;
    const deflate = answerDeflate(wished, headers['sec-websocket-extensions']);
    server.options.perMessageDeflate = deflate?.options ?? false;
    // The package is given the words that it takes: both were decided about here.
    if (deflate !== undefined) headers['sec-websocket-extensions'] = deflate.offer;
    headers.upgrade = 'websocket';
    server.handleUpgrade(message, socket, head, (ws) => {
      // The package turns it on.
      if (!socketSettings.noDelay) socket.setNoDelay(false);
      if (qwh === undefined)
        onLink(new WsLink(ws as LinkedWebSocket, socket, serverFrames, limits, settings));
      else {
        const carrier = new WsCarrier(ws as LinkedWebSocket, socket, this.spec.qwh!);
        this.#shakeHands(qwh, carrier, startedAt, onLink);
      }
    });
    // It was paused while it was watched; the package listens now.
    socket.resume();
  }

  /** The WebSocket is open; the link comes when both ends want it. */
  #shakeHands(
    qwh: QwhGate,
    carrier: WsCarrier,
    startedAt: number | undefined,
    onLink: (link: Link) => void,
  ): void {
    const kind = tlsInfoOf(carrier.socket) === undefined ? 'ws' : 'wss';
    const onError = (...failure: Parameters<NonNullable<ListenerHandler['onHandshakeError']>>): void =>
      this.#handler.onHandshakeError?.(...failure);
    qwh.takeOver(carrier, kind, { onLink, onError }, startedAt);
  }

  /** The client has ended its side before it had an answer: it wants none. */
  left(socket: Socket): void {
    this.done(socket);
    socket.destroy();
  }

  /** The handshake of this socket is over, one way or the other. */
  done(socket: Socket): void {
    const pending = this.#pending.get(socket);
    if (pending === undefined) return;
    this.#pending.delete(socket);
    clearTimeout(pending.timer);
    socket.off('close', pending.onClose);
    pending.handshake?.end();
  }

  /** Ends what is under way: those who wait for their verdict hear that there will be none. */
  close(): void {
    this.#qwh?.close();
    for (const [socket, { handshake }] of this.#pending) {
      if (handshake !== undefined) {
        this.refuse(socket, 503, '');
        continue;
      }
      this.done(socket);
      socket.destroy();
    }
  }

  /**
   * Cuts the handshake that has been silent the longest: whoever opens connections and says nothing keeps nobody
   * out. False where all wait for the owner's verdict.
   */
  #evict(): boolean {
    for (const [socket, { handshake }] of this.#pending) {
      if (handshake !== undefined) continue;
      this.done(socket);
      this.#tellCrowded(socket, 'this peer had said nothing for the longest');
      resetSocket(socket);
      return true;
    }
    return false;
  }

  #tellCrowded({ remoteAddress = '', remotePort = 0 }: Socket, why: string): void {
    const { maxPendingHandshakes } = this.spec.ws;
    const message = `There were too many opening handshakes, and ${why}`;
    const error = new QWormholeError('ERR_QW_RESOURCES', message, { details: { maxPendingHandshakes } });
    this.#handler.onHandshakeError?.(error, remoteAddress, remotePort);
  }

  #expire(socket: Socket): void {
    const isOurs = this.#pending.get(socket)?.handshake !== undefined;
    if (isOurs) this.refuse(socket, 503, 'There was no decision in time.');
    else this.reject(socket, { status: 408, body: 'The request did not come in time.' });
  }
}

function ignore(): void {}

/** One that waits for its verdict. */
export class Handshake implements Upgrade {
  readonly request: UpgradeRequest;
  readonly message: IncomingMessage;
  readonly socket: Socket;
  onGone: (() => void) | undefined;
  readonly #head: Buffer;
  readonly #gate: WsGate;
  #early: Early | undefined;
  #isSettled = false;

  constructor(
    gate: WsGate,
    message: IncomingMessage,
    socket: Socket,
    head: Buffer,
    subprotocols: readonly string[],
  ) {
    this.#gate = gate;
    this.message = message;
    this.socket = socket;
    this.#head = head;
    this.request = new SentRequest(message, socket, subprotocols);
  }

  accept(subprotocol: string, onLink: (link: Link) => void): void {
    if (this.#settle()) this.#gate.open(this, subprotocol, onLink);
  }

  refuse(status: number, body: string): void {
    if (this.#settle()) this.#gate.refuse(this.socket, status, body);
  }

  /** The verdict takes its time: looks after the client meanwhile. */
  watch(): void {
    if (!this.#isSettled) this.#early = new Early(this.socket, () => this.#gate.left(this.socket));
  }

  /** There will be no verdict, or it comes too late. */
  end(): void {
    if (this.#settle()) this.onGone?.();
  }

  /** Takes all that came behind the request: nothing of it is in the socket any more. */
  received(): Buffer {
    const unread: Buffer | null = this.socket.read();
    const early = this.#early?.bytes() ?? NOTHING;
    return Buffer.concat([this.#head, early, unread ?? NOTHING]);
  }

  /** False if it was settled before. */
  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#early?.stop();
    return true;
  }
}
