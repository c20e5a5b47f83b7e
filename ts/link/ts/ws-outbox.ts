/**
 * What a WebSocket link that compresses has accepted and the kernel has not taken: compressing is the package's. Little
 * of it is in the package's hands at a time: the rest can still be overtaken by a higher class, between whole messages.
 */
import type { Socket } from 'node:net';
import type { ClassIndex, LinkLimits } from '../link.js';
import { flushTiming, type FlushTiming } from './flush-interval.js';
import { Lane } from './lane.js';
import { linkMemory } from './memory.js';
import type { OutboxOwner } from './outbox-owner.js';
import { Outlet } from './pace.js';
import type { LinkedWebSocket } from './ws-package.js';

/** Most bytes handed over at a time, beyond the message that reaches it. */
const MAX_BATCH = 64 * 1024;

/** A message that waits. */
interface Waiting {
  readonly data: string | Uint8Array;
  readonly size: number;
  readonly isText: boolean;
}

export class WsOutbox {
  /** Payload bytes and messages accepted and not yet taken by the kernel. */
  payload = 0;
  messages = 0;
  readonly #ws: LinkedWebSocket;
  readonly #socket: Socket;
  /** Messages of fewer bytes go uncompressed. */
  readonly #threshold: number;
  readonly #owner: OutboxOwner;
  /** Set: what is handed over is held back. */
  readonly #outlet: Outlet | undefined;
  readonly #timing: FlushTiming;
  /** With the first message of each class. */
  #high: Lane<Waiting> | undefined;
  #normal: Lane<Waiting> | undefined;
  #low: Lane<Waiting> | undefined;
  /** Bytes and messages handed over and not yet taken. */
  #handedPayload = 0;
  #handedMessages = 0;
  /** Number of the last batch; 0 in `#inFlight` means that none is. */
  #batch = 0;
  #inFlight = 0;
  #isDirty = false;
  #isOver = false;
  #onHandedOver: (() => void) | undefined;

  constructor(
    ws: LinkedWebSocket,
    socket: Socket,
    threshold: number,
    owner: OutboxOwner,
    limits: LinkLimits,
  ) {
    this.#ws = ws;
    this.#socket = socket;
    this.#threshold = threshold;
    this.#owner = owner;
    this.#outlet = limits.outbound && new Outlet(limits.outbound, () => this.flush());
    this.#timing = flushTiming(limits.flushIntervalMs, owner.coalescing());
  }

  /** Our own rate delays what waits. */
  get isHeld(): boolean {
    return this.#outlet !== undefined && this.#outlet.isHolding;
  }

  /** Each message is compressed by itself: there is no room behind others. */
  append(): boolean {
    return false;
  }

  /** Copies a message. */
  write(payload: Uint8Array, size: number, cls: ClassIndex, isText: boolean): void {
    this.writeShared(Buffer.from(payload), size, cls, isText);
  }

  writeString(payload: string, size: number, cls: ClassIndex, isText: boolean): void {
    this.writeShared(payload, size, cls, isText);
  }

  /** Queues a message whose memory is nobody's to change. */
  writeShared(data: string | Uint8Array, size: number, cls: ClassIndex, isText: boolean): void {
    this.#lane(cls).push({ data, size, isText });
    this.payload += size;
    this.messages += 1;
    linkMemory.outbound += size;
    if (this.#inFlight !== 0) return;
    if (this.payload >= this.#timing.enough) return this.flush();
    if (this.#isDirty) return this.#timing.join?.(this);
    this.#isDirty = true;
    this.#timing.add(this);
  }

  /** Hands over as much as the kernel takes, and one batch more. Calls nobody back. */
  flush(): void {
    this.#isDirty = false;
    while (this.#inFlight === 0) {
      const most = this.#allowance();
      if (most === 0) return;
      if (!this.#handOver(most)) break;
    }
    if (this.#inFlight === 0) this.#handedOver();
  }

  /** Hands over everything at once: a close frame goes out next. */
  shut(): void {
    this.#handOver(Infinity);
  }

  /** Calls back once everything is handed over. */
  end(onHandedOver: () => void): void {
    this.#onHandedOver = onHandedOver;
    this.flush();
  }

  /** Drops what the kernel has not taken. */
  discard(): void {
    this.#outlet?.stop();
    linkMemory.outbound -= this.payload;
    this.payload = this.messages = 0;
    this.#isOver = true;
    this.#onHandedOver = undefined;
  }

  /** Bytes that may be handed over. */
  #allowance(): number {
    // With nothing queued there is only the end, which nothing holds back.
    if (this.#outlet === undefined || this.messages === 0) return MAX_BATCH;
    return Math.min(this.#outlet.allowance(this.payload / this.messages), MAX_BATCH);
  }

  #handedOver(): void {
    const onHandedOver = this.#onHandedOver;
    this.#onHandedOver = undefined;
    onHandedOver?.();
  }

  /** Hands over a batch; false if there was nothing to hand over, or nobody to take it. */
  #handOver(max: number): boolean {
    const ws = this.#ws;
    if (ws.readyState !== ws.OPEN) return false;
    let message = this.#next();
    if (message === undefined) return false;
    const batch = (this.#inFlight = this.#batch += 1);
    const [payload, messages] = [this.#handedPayload, this.#handedMessages];
    this.#socket.cork();
    for (let bytes = 0; message !== undefined;) {
      bytes += Math.max(message.size, 1);
      this.#handedPayload += message.size;
      this.#handedMessages += 1;
      const next: Waiting | undefined = bytes < max ? this.#next() : undefined;
      this.#send(message, next === undefined ? (error) => this.#onWritten(batch, error) : undefined);
      message = next;
    }
    this.#socket.uncork();
    this.#outlet?.take(this.#handedPayload - payload, this.#handedMessages - messages);
    // Nothing left in the socket means that the kernel has it all.
    if (ws.bufferedAmount === 0 && !this.#socket.destroyed) this.#settle();
    return true;
  }

  #next(): Waiting | undefined {
    return this.#high?.shift() ?? this.#normal?.shift() ?? this.#low?.shift();
  }

  #lane(cls: ClassIndex): Lane<Waiting> {
    if (cls === 1) return (this.#normal ??= new Lane());
    return cls === 0 ? (this.#high ??= new Lane()) : (this.#low ??= new Lane());
  }

  #send({ data, size, isText }: Waiting, onWritten?: (error?: Error) => void): void {
    const options = { binary: !isText, compress: size >= this.#threshold };
    this.#ws.send(data, options, onWritten);
  }

  #settle(): void {
    this.payload -= this.#handedPayload;
    this.messages -= this.#handedMessages;
    linkMemory.outbound -= this.#handedPayload;
    this.#handedPayload = this.#handedMessages = 0;
    this.#inFlight = 0;
  }

  /** Comes a tick after a batch that the kernel took at once, which is then settled already. */
  #onWritten(batch: number, error: Error | undefined): void {
    if (error || this.#isOver) return;
    if (batch === this.#inFlight) {
      this.#settle();
      this.flush();
    }
    this.#owner.onProgress();
  }
}
