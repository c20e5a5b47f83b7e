/**
 * Handshakes of QWH/1 at a listener, on their way to the verdict: bounded in number and time. Where other peers
 * are admitted, the first bytes tell the two apart.
 */
import type { Socket } from 'node:net';
import { QWormholeError } from '../../errors/error.js';
import { CloseCode } from '../../close-codes.js';
import { Crowd, placeOf } from '../../policy/crowd.js';
import { isSecure } from '../carriers.js';
import type { Carrier, LinkLimits } from '../link.js';
import { peerText } from '../place.js';
import type { QwhListenSettings } from '../qwh.js';
import { StreamCarrier, type CarrierOwner, type RecordCarrier } from './qwh-carrier.js';
import { QwhLink } from './qwh-link.js';
import { QwhOpening } from './qwh-opening.js';
import { resetSocket } from './reset.js';
import { faultOfSilentClient } from './tls-faults.js';

const MAGIC = Buffer.from('QWH1');

/** Who hears of those who come. */
export interface GateHandler {
  onLink(link: QwhLink): void;
  /** A stream that begins otherwise; its bytes are in it again, and nobody reads it. */
  onOther?(socket: Socket): void;
  onError(error: QWormholeError, remoteAddress: string, remotePort: number): void;
  /** One that says nothing after its handshake of TLS has refused that. */
  onTlsError?(error: QWormholeError, remoteAddress: string, remotePort: number): void;
}

interface Pending {
  readonly timer: NodeJS.Timeout;
  readonly address: string;
  readonly port: number;
  /** What counts as its address. */
  readonly place: string;
  readonly handler: GateHandler;
  /** None before the protocol is known. */
  opening: QwhOpening | undefined;
  /** It waits for our owner: only so long does nobody get its place. */
  isAsked: boolean;
}

export class QwhGate {
  readonly #settings: QwhListenSettings;
  readonly #limits: LinkLimits;
  /** The one that has been silent the longest first. */
  readonly #pending = new Map<Socket, Pending>();
  readonly #crowd: Crowd;

  constructor(settings: QwhListenSettings, limits: LinkLimits) {
    this.#settings = settings;
    this.#limits = limits;
    this.#crowd = new Crowd(settings.maxPendingPerAddress);
  }

  /** Takes a stream that nobody reads yet. */
  take(socket: Socket, kind: Carrier, handler: GateHandler): void {
    if (!this.#hasRoom(socket, handler)) return;
    const carrier = new StreamCarrier(socket);
    const pending = this.#begin(socket, handler);
    if (this.#settings.isRequired || handler.onOther === undefined)
      return this.#open(carrier, kind, pending, handler);
    carrier.owner = new Sniffer(carrier, {
      onQwh: (bytes) => {
        this.#open(carrier, kind, pending, handler);
        pending.opening!.onBytes(bytes);
      },
      onOther: (bytes) => {
        this.#done(socket);
        handler.onOther!(carrier.giveBack(bytes));
      },
      onGone: (error) => this.#left(socket, kind, error, handler),
    });
    carrier.resume();
  }

  /** Takes a WebSocket that has chosen QWH/1. One time covers both handshakes; it began at `startedAt`. */
  takeOver(carrier: RecordCarrier, kind: Carrier, handler: GateHandler, startedAt?: number): void {
    if (!this.#hasRoom(carrier.socket, handler)) return;
    this.#open(carrier, kind, this.#begin(carrier.socket, handler, startedAt), handler);
  }

  /** Ends what is under way. */
  close(): void {
    for (const [socket, { opening }] of this.#pending) {
      if (opening === undefined) {
        this.#done(socket);
        socket.destroy();
      } else opening.refuse(this.#settings.refusalAtEnd());
    }
  }

  /** Makes room, or resets the newcomer. */
  #hasRoom(socket: Socket, handler: GateHandler): boolean {
    // It may fail at any moment from now on, before anybody else listens.
    socket.on('error', ignore);
    const { remoteAddress: address = '', remotePort: port = 0 } = socket;
    // Of an address that has too many it is one of its own that gives way.
    if (!this.#crowd.hasRoom(address)) {
      if (this.#evict(placeOf(address))) return true;
    } else if (this.#pending.size < this.#settings.maxPendingHandshakes || this.#evict()) return true;
    resetSocket(socket);
    handler.onError(crowded('all of them waited for a verdict'), address, port);
    return false;
  }

  #begin(socket: Socket, handler: GateHandler, startedAt = performance.now()): Pending {
    const { remoteAddress: address = '', remotePort: port = 0 } = socket;
    const { handshakeTimeoutMs } = this.#settings;
    const left = Math.max(1, startedAt + handshakeTimeoutMs - performance.now());
    const timer = setTimeout(() => this.#expire(socket), left);
    const place = placeOf(address);
    const pending: Pending = { timer, address, port, place, handler, opening: undefined, isAsked: false };
    this.#pending.set(socket, pending);
    this.#crowd.enter(address);
    return pending;
  }

  #open(carrier: RecordCarrier, kind: Carrier, pending: Pending, handler: GateHandler): void {
    const { socket } = carrier;
    const { remoteAddress = '', remotePort = 0 } = socket;
    pending.opening = new QwhOpening(
      carrier,
      this.#settings,
      { side: 'responder', kind },
      {
        onHeard: () => (pending.isAsked = true),
        onJudged: () => this.#judged(socket, pending),
        onOpened: (opened) => {
          this.#done(socket);
          const link = new QwhLink(opened, kind, this.#limits, this.#settings);
          handler.onLink(link);
          link.start();
        },
        onFailed: (error) => {
          if (socket.bytesRead === 0 && error.code === 'ERR_QW_CONNECTION_LOST')
            return this.#left(socket, kind, error.cause, handler);
          this.#done(socket);
          handler.onError(error, remoteAddress, remotePort);
        },
      },
    );
    pending.opening.start();
  }

  /** Without a word: a probe of the port has not begun a handshake. */
  #left(socket: Socket, kind: Carrier, error: unknown, handler: GateHandler): void {
    this.#done(socket);
    if (!isSecure(kind) || error === undefined) return;
    const { remoteAddress = '', remotePort = 0 } = socket;
    const context = { during: 'io', what: peerText(socket) } as const;
    handler.onTlsError?.(faultOfSilentClient(error, context), remoteAddress, remotePort);
  }

  /** It is the peer's turn again. */
  #judged(socket: Socket, pending: Pending): void {
    pending.isAsked = false;
    if (this.#pending.delete(socket)) this.#pending.set(socket, pending);
  }

  #expire(socket: Socket): void {
    const { opening, handler, address, port } = this.#pending.get(socket)!;
    if (opening !== undefined) return opening.timeOut();
    this.#done(socket);
    resetSocket(socket);
    const message = 'The peer did not say in time which protocol it speaks';
    const error = new QWormholeError('ERR_QW_HANDSHAKE', message, { closeCode: CloseCode.timeout });
    handler.onError(error, address, port);
  }

  /** Cuts the one that has been silent the longest, of one address or of all; false where all wait for the owner. */
  #evict(from?: string): boolean {
    for (const [socket, { opening, isAsked, handler, address, port, place }] of this.#pending) {
      if (isAsked || (from !== undefined && place !== from)) continue;
      this.#done(socket);
      const error = crowded('this peer had said nothing for the longest');
      if (opening !== undefined) opening.cut(error);
      else {
        resetSocket(socket);
        handler.onError(error, address, port);
      }
      return true;
    }
    return false;
  }

  #done(socket: Socket): void {
    const pending = this.#pending.get(socket);
    if (pending === undefined) return;
    clearTimeout(pending.timer);
    this.#pending.delete(socket);
    this.#crowd.leave(pending.address);
  }
}

/** There is no place for all who come. */
function crowded(why: string): QWormholeError {
  const message = `There were too many handshakes, and ${why}`;
  return new QWormholeError('ERR_QW_RESOURCES', message, { closeCode: CloseCode.busy });
}

interface SnifferHandler {
  onQwh(bytes: Buffer): void;
  onOther(bytes: Buffer): void;
  /** It has said nothing that tells. */
  onGone(error: Error | undefined): void;
}

/** Waits for as many bytes as tell the protocols apart. */
class Sniffer implements CarrierOwner {
  readonly isVoid = false;
  readonly #carrier: StreamCarrier;
  readonly #handler: SnifferHandler;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(carrier: StreamCarrier, handler: SnifferHandler) {
    this.#carrier = carrier;
    this.#handler = handler;
  }

  onBytes(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    const front = this.#bytes.subarray(0, MAGIC.length);
    if (!front.equals(MAGIC.subarray(0, front.length))) this.#handler.onOther(this.#bytes);
    else if (front.length === MAGIC.length) this.#handler.onQwh(this.#bytes);
  }

  onFault(): void {}

  beforeEnd(): void {}

  /** It has said nothing that could be read as a message. */
  onPeerEnd(): void {
    this.#carrier.socket.destroy();
  }

  onGone(error: Error | undefined): void {
    this.#handler.onGone(error);
  }
}

function ignore(): void {}
