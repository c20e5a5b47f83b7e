/** Peers that shake hands by qwh on their own, and say afterwards what they are told to. */
import { connect as dial, type Socket } from 'node:net';
import type { qwh } from 'qwormhole/internal';
import { WebSocket } from 'ws';
import { handshakeOf, HEADER_BYTES, KIND } from './qwh-frames.js';
import { cleanUp } from './scene.js';

/** How it speaks. */
interface Wire {
  readonly kind: 'stream' | 'messages';
  write(bytes: Uint8Array): void;
}

/** The initiator's side of a handshake. */
class Caller {
  readonly #wire: Wire;
  readonly #handshake: qwh.Handshake;
  readonly #saysReady: boolean;
  isReady = false;
  /** It has heard who the other end is. */
  hasMet = false;

  constructor(wire: Wire, saysReady: boolean) {
    this.#wire = wire;
    this.#saysReady = saysReady;
    this.#handshake = handshakeOf('initiator', wire.kind);
  }

  get wantsBytes(): boolean {
    return this.#handshake.wantsBytes;
  }

  receive(bytes: Uint8Array): number {
    const taken = this.#handshake.receive(bytes);
    this.advance();
    return taken;
  }

  advance(): void {
    for (let event = this.#handshake.nextEvent(); event; event = this.#handshake.nextEvent()) {
      if (event.type === 'send') this.#wire.write(event.bytes);
      else if (event.type === 'ready') this.isReady = true;
      else if (event.type === 'verify') {
        this.hasMet = true;
        if (this.#saysReady) this.accept();
      }
    }
  }

  accept(): void {
    this.#handshake.accept();
    this.advance();
  }
}

/** One over TCP. `saysReady`: false for one that never gets further than its HELLO. */
export class StreamPeer {
  readonly socket: Socket;
  readonly #caller: Caller;
  isClosed = false;
  /** It was reset. */
  isReset = false;

  constructor(address: string, saysReady = true) {
    const { hostname, port } = new URL(address);
    this.socket = dial(Number(port), hostname);
    const write = (bytes: Uint8Array): void => void this.socket.write(bytes);
    this.#caller = new Caller({ kind: 'stream', write }, saysReady);
    this.socket.on('connect', () => this.#caller.advance());
    this.socket.on('data', (bytes) => this.#caller.wantsBytes && this.#caller.receive(bytes));
    this.socket.on('error', ({ code }: NodeJS.ErrnoException) => (this.isReset = code === 'ECONNRESET'));
    this.socket.on('close', () => (this.isClosed = true));
    cleanUp(() => this.socket.destroy());
  }

  get hasMet(): boolean {
    return this.#caller.hasMet;
  }

  get isReady(): boolean {
    return this.#caller.isReady;
  }
}

/**
 * One over WebSocket, and what it gets: the codes of GOAWAYs, and the close frame. `behindReady`: records that it
 * sends in one packet with its READY, which it then says last.
 */
export class MessagePeer {
  readonly ws: WebSocket;
  readonly goaways: number[] = [];
  readonly #caller: Caller;
  readonly #socket: Socket;
  readonly #behindReady: Uint8Array[];
  close: { readonly code: number; readonly reason: string } | undefined;

  constructor(address: string, behindReady: Uint8Array[] = []) {
    this.#behindReady = behindReady;
    const { hostname, port } = new URL(address);
    this.#socket = dial(Number(port), hostname);
    this.ws = new WebSocket(address, ['qwh.v1'], { createConnection: () => this.#socket });
    const write = (bytes: Uint8Array): void => this.ws.send(bytes);
    this.#caller = new Caller({ kind: 'messages', write }, behindReady.length === 0);
    this.ws.on('open', () => this.#caller.advance());
    this.ws.on('message', (bytes: Buffer) => this.#take(bytes));
    this.ws.on('error', () => {});
    this.ws.on('close', (code, reason) => (this.close = { code, reason: reason.toString() }));
    cleanUp(() => this.ws.terminate());
  }

  get isReady(): boolean {
    return this.#caller.isReady;
  }

  #shake(bytes: Buffer): void {
    this.#caller.receive(bytes);
    if (this.#caller.wantsBytes || this.#caller.isReady) return;
    this.#socket.cork();
    this.#caller.accept();
    for (const record of this.#behindReady) this.ws.send(record);
    this.#socket.uncork();
  }

  #take(bytes: Buffer): void {
    if (this.#caller.wantsBytes) this.#shake(bytes);
    else if (bytes[0] === KIND.goaway) this.goaways.push(bytes.readUInt16BE(HEADER_BYTES));
  }
}
