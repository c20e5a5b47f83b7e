/**
 * What carries QWH/1 on this backend: a stream, where records have a length of their own, or a WebSocket, where
 * each is a binary message. Its events go to one owner at a time: the handshake, then the link.
 */
import type { Socket } from 'node:net';
import { CloseCode } from '../../close-codes.js';
import { Fault, MAX_RECORD, protocolFault, type Carrier } from '../../qwh/index.js';
import type { QwhSettings } from '../qwh.js';
import { fitReason, toWebSocketCode } from '../websocket-codes.js';
import { discardRest } from './discard.js';
import { Control } from './ws-control.js';
import { faultOfWs } from './ws-faults.js';
import { WsReader, type MessageTaker } from './ws-reader.js';
import { unmaskByWords } from './ws-unmask.js';
import type { LinkedWebSocket, SocketOwner } from './ws-package.js';
import { unfinishedIn } from './ws-receiver.js';

/** What goes out where a code has no form on the wire of WebSocket. */
const INTERNAL = 1011;
/** A close code of the package: the connection ended without a close frame. */
const ABNORMAL = 1006;

/** What a WebSocket broke by, where that is a fault of the peer's. */
function faultIn(error: Error): Error {
  const { code = '' } = error as NodeJS.ErrnoException;
  return code.startsWith('WS_ERR_')
    ? faultOfWs(error, { during: 'io', what: 'the peer' }, MAX_RECORD)
    : error;
}

/** What the peer's close frame said, in the numbers of WebSocket. */
export interface Farewell {
  readonly code: number;
  readonly reason: string;
}

export interface CarrierOwner {
  /** It keeps nothing of what comes. */
  readonly isVoid: boolean;
  /** Bytes of a stream, or all of a message. */
  onBytes(bytes: Buffer): void;
  /** The peer did what this carrier does not allow. */
  onFault(fault: Fault): void;
  /** The peer will send no more. */
  onPeerEnd(): void;
  /** A WebSocket's close frame goes out next: what is queued has to be in front of it. */
  beforeEnd(): void;
  /** The connection is gone, and why if that is known; or what a WebSocket's close frame said. */
  onGone(error: Error | undefined, farewell: Farewell | undefined): void;
}

export interface RecordCarrier {
  readonly kind: Carrier;
  readonly socket: Socket;
  owner: CarrierOwner;
  /** Received and not given to the owner, bytes. */
  readonly held: number;
  /** Writes a record, or what a handshake sends; `onTaken` follows once the kernel has it. */
  write(bytes: Uint8Array, onTaken?: (error?: Error | null) => void): void;
  /** Ends our side; on a WebSocket the code is in the close frame too. */
  end(code: number, reason: string): void;
  pause(): void;
  resume(): void;
}

/** A stream that nobody reads yet. */
export class StreamCarrier implements RecordCarrier {
  readonly kind = 'stream';
  readonly socket: Socket;
  declare owner: CarrierOwner;
  readonly held = 0;
  #error: Error | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  write(bytes: Uint8Array, onTaken?: (error?: Error | null) => void): void {
    if (!this.socket.writableEnded) this.socket.write(bytes, onTaken);
  }

  end(): void {
    if (!this.socket.writableEnded) this.socket.end();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Leaves the socket to another protocol, with the bytes that were read. */
  giveBack(bytes: Buffer): Socket {
    const { socket } = this;
    socket.pause();
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError);
    socket.off('close', this.#onClose);
    socket.unshift(bytes);
    return socket;
  }

  readonly #onData = (bytes: Buffer): void => this.owner.onBytes(bytes);
  readonly #onEnd = (): void => this.owner.onPeerEnd();
  readonly #onError = (error: Error): void => void (this.#error = error);
  readonly #onClose = (): void => this.owner.onGone(this.#error, undefined);
}

/** Control frames of WebSocket that may come. */
type ControlBounds = Pick<QwhSettings, 'controlBurst' | 'controlPerSecond'>;

/** A WebSocket whose opening handshake is done. */
export class WsCarrier implements RecordCarrier, SocketOwner, MessageTaker {
  readonly kind = 'messages';
  readonly socket: Socket;
  declare owner: CarrierOwner;
  readonly #ws: LinkedWebSocket;
  readonly #bounds: ControlBounds;
  /** With the first control frame. */
  #control: Control | undefined;
  #error: Error | undefined;

  constructor(ws: LinkedWebSocket, socket: Socket, bounds: ControlBounds) {
    this.#ws = ws;
    this.socket = socket;
    this.#bounds = bounds;
    ws.owner = this;
    unmaskByWords(ws);
    WsReader.readFor(ws, socket, this);
    // What has come with the opening handshake waits until there is an owner, who resumes.
    ws.pause();
    ws.on('message', (data, isBinary) => this.onMessage(data as Buffer, !isBinary));
    // Not ours to use here, and answered and bounded as on any other WebSocket.
    ws.on('ping', (payload) => this.#onControl(payload));
    ws.on('pong', () => this.#onControl(undefined));
    ws.on('error', (error) => this.#onError(error));
    socket.on('error', (error) => (this.#error ??= error));
    ws.on('close', (code, reason) => {
      const farewell = code === ABNORMAL ? undefined : { code, reason: reason.toString() };
      this.owner.onGone(this.#error, farewell);
    });
  }

  #onError(error: Error): void {
    this.#error = faultIn(error);
    // The package reads no more.
    discardRest(this.socket);
  }

  onMessage(payload: Buffer, isText: boolean): void {
    if (isText) this.owner.onFault(protocolFault('a text message comes where records must'));
    else this.owner.onBytes(payload);
  }

  #onControl(ping: Buffer | undefined): void {
    const control = (this.#control ??= new Control(this.#bounds, (payload, done) =>
      this.#ws.pong(payload, undefined, done),
    ));
    if (!control.admit())
      this.owner.onFault(new Fault(CloseCode.rate_limited, 'there are too many control frames'));
    else if (ping !== undefined) control.answer(ping);
  }

  get isVoid(): boolean {
    return this.owner.isVoid;
  }

  get held(): number {
    return unfinishedIn(this.#ws);
  }

  write(bytes: Uint8Array, onTaken?: (error?: Error | null) => void): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#ws.send(bytes, { binary: true, compress: false }, onTaken);
  }

  end(code: number, reason: string): void {
    this.#ws.close(toWebSocketCode(code) ?? INTERNAL, fitReason(reason));
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  /** Called by the package, also where it answers the peer's close frame by itself. */
  beforeClose(): void {
    this.owner.beforeEnd();
  }
}
