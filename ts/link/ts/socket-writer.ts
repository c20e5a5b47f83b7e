/**
 * The way from the queue to the socket: what is handed over when, in how many writes, and what of it
 * the kernel has taken. At most one batch is in the socket at a time, the rest can still be overtaken.
 */
import type { Socket } from 'node:net';
import type { Sender } from '../coalescing.js';
import type { ClassIndex, LinkLimits } from '../link.js';
import { arena, type Segment } from './arena.js';
import { flushTiming, type FlushTiming } from './flush-interval.js';
import { HEADER } from './frame-decoder.js';
import { linkMemory } from './memory.js';
import { OutQueue } from './out-queue.js';
import { Outlet } from './pace.js';

/** Most bytes in the socket and not in the kernel: a message of a higher class waits for no more. */
const MAX_BATCH = 256 * 1024;

/** Several segments up to this size in all are copied into one: a vectored write costs more than the copy. */
const MAX_MERGE = 16 * 1024;

/** As for watermarks: empty messages are not free. */
const MIN_COST = 16;

/** Whose writer it is. */
export interface WriterOwner extends Sender {
  /** The kernel has taken something. Called from the event loop. */
  onProgress(): void;
}

export class SocketWriter {
  /** Payload bytes and messages accepted and not yet taken by the kernel. */
  payload = 0;
  messages = 0;
  readonly #queue: OutQueue;
  readonly #socket: Socket;
  readonly #header: number;
  readonly #owner: WriterOwner;
  /** Set: what goes to the socket is held back. */
  readonly #outlet: Outlet | undefined;
  readonly #timing: FlushTiming;
  /** Below so many bytes and messages nothing is to be done for a further message. */
  readonly #direct: number;
  #isInSocket = false;
  /** What is in the socket: the segments to give back, and what they count for. */
  #handed: Segment | undefined;
  #handedPayload = 0;
  #handedMessages = 0;
  /** A message too large for one batch, of which the rest goes next. */
  #started: Segment | undefined;
  #isDirty = false;
  #isEnding = false;

  constructor(socket: Socket, framed: boolean, owner: WriterOwner, limits: LinkLimits) {
    this.#socket = socket;
    this.#header = framed ? HEADER : 0;
    this.#queue = new OutQueue(framed);
    this.#owner = owner;
    this.#outlet = limits.outbound && new Outlet(limits.outbound, () => this.flush());
    this.#timing = flushTiming(limits.flushIntervalMs, owner.coalescing());
    this.#direct = Math.min(limits.highWaterMark, this.#timing.enough);
  }

  /** Our own rate delays what waits. */
  get isHeld(): boolean {
    return this.#outlet !== undefined && this.#outlet.isHolding;
  }

  /**
   * Copies a message behind those that wait, if there is room in open memory and few wait then: the common case, in
   * few steps.
   */
  append(payload: Uint8Array, size: number, cls: ClassIndex): boolean {
    const below = this.#direct;
    if (this.payload + size >= below || this.messages * MIN_COST >= below) return false;
    if (!this.#queue.append(payload, size, cls)) return false;
    this.payload += size;
    this.messages += 1;
    linkMemory.outbound += size;
    return true;
  }

  /** Copies a message in. */
  write(payload: Uint8Array, cls: ClassIndex): void {
    const size = payload.byteLength;
    // A raw message without bytes leaves no trace on the wire.
    if (size + this.#header === 0) return;
    if (!this.#queue.append(payload, size, cls)) {
      this.#open(size, cls);
      this.#queue.append(payload, size, cls);
    }
    this.#accepted(size);
  }

  /** Writes a string in as UTF-8 of at most `bound` bytes; gives its size in bytes. */
  writeString(payload: string, bound: number, cls: ClassIndex): number {
    if (bound + this.#header === 0) return 0;
    let size = this.#queue.appendString(payload, bound, cls);
    if (size === -1) {
      this.#open(bound, cls);
      size = this.#queue.appendString(payload, bound, cls);
    }
    this.#accepted(size);
    return size;
  }

  /** Hands over as much as the socket takes. Calls nobody back. */
  flush(): void {
    this.#isDirty = false;
    const socket = this.#socket;
    while (!this.#isInSocket && !socket.destroyed) {
      const most = this.#allowance();
      if (most === 0) return;
      const first = this.#started ?? this.#queue.shift();
      if (first === undefined) {
        if (this.#isEnding && !socket.writableEnded) socket.end();
        break;
      }
      if (first.size > MAX_BATCH) this.#handPart(first);
      else this.#handBatch(first, most);
      this.#outlet?.take(this.#handedPayload, this.#handedMessages);
      this.#settle();
    }
  }

  /** Ends our side once everything is handed over. */
  end(): void {
    this.#isEnding = true;
    this.flush();
  }

  /** Drops what the kernel has not taken. */
  discard(): void {
    this.#outlet?.stop();
    this.#queue.clear();
    this.#releaseHanded();
    if (this.#started !== undefined) arena.release(this.#started);
    this.#started = undefined;
    linkMemory.outbound -= this.payload;
    this.payload = this.messages = 0;
  }

  /** Opens memory for a message. What is full goes out first, so that the same memory is free again. */
  #open(size: number, cls: ClassIndex): void {
    if (!this.#isInSocket && this.payload >= MAX_MERGE) this.flush();
    const backlog = this.#outlet === undefined ? this.payload : Math.min(this.payload, this.#outlet.piece);
    const waits = this.#isInSocket || this.#outlet !== undefined || this.#timing.enough !== Infinity;
    this.#queue.open(size, cls, waits ? backlog : undefined);
  }

  #accepted(size: number): void {
    this.payload += size;
    this.messages += 1;
    linkMemory.outbound += size;
    if (this.#isInSocket) return;
    if (this.payload >= this.#timing.enough) return this.flush();
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#timing.add(this);
  }

  /** Hands over the next part of a message that is larger than a batch. */
  #handPart(segment: Segment): void {
    const bytes = segment.view(MAX_BATCH);
    this.#handedPayload = segment === this.#started ? MAX_BATCH : MAX_BATCH - this.#header;
    segment.start += MAX_BATCH;
    this.#started = segment;
    this.#isInSocket = true;
    this.#socket.write(bytes, this.#onWritten);
  }

  /** Bytes that may be handed over. */
  #allowance(): number {
    // With nothing queued there is only the end, which nothing holds back.
    if (this.#outlet === undefined || this.messages === 0) return MAX_BATCH;
    return Math.min(this.#outlet.allowance(this.payload / this.messages + this.#header), MAX_BATCH);
  }

  /** Hands over `first` and what fits into `most` bytes with it. */
  #handBatch(first: Segment, most: number): void {
    // The header of a message that is started went with its first part.
    this.#handedPayload = first === this.#started ? first.size : this.#payloadOf(first);
    this.#handedMessages = first.messages;
    this.#started = undefined;
    this.#isInSocket = true;
    this.#handed = first;
    if (this.#queue.isEmpty) return this.#writeOne(first);
    let size = first.size;
    let last = first;
    for (;;) {
      const next = this.#queue.shift(most - size);
      if (next === undefined) break;
      last = last.next = next;
      size += next.size;
      this.#handedPayload += this.#payloadOf(next);
      this.#handedMessages += next.messages;
    }
    if (first === last) this.#writeOne(first);
    else if (size <= MAX_MERGE) this.#writeMerged(first, size);
    else this.#writeVector(first);
  }

  #payloadOf(segment: Segment): number {
    return segment.size - segment.messages * this.#header;
  }

  #writeOne(segment: Segment): void {
    this.#socket.write(segment.view(segment.size), this.#onWritten);
  }

  #writeMerged(first: Segment, size: number): void {
    const merged = arena.open(size);
    for (let from: Segment | undefined = first; from !== undefined; from = from.next) {
      from.memory.copy(merged.memory, merged.used, from.start, from.used);
      merged.used += from.size;
    }
    arena.close(merged);
    this.#releaseHanded();
    this.#handed = merged;
    this.#writeOne(merged);
  }

  #writeVector(first: Segment): void {
    const socket = this.#socket;
    socket.cork();
    for (let segment: Segment | undefined = first; segment !== undefined; segment = segment.next) {
      if (segment.next === undefined) socket.write(segment.view(segment.size), this.#onWritten);
      else socket.write(segment.view(segment.size));
    }
    socket.uncork();
  }

  /** Nothing left in the socket means that the kernel has it all: then the memory is free again. */
  #settle(): void {
    if (this.#socket.writableLength !== 0 || this.#socket.destroyed) return;
    this.payload -= this.#handedPayload;
    this.messages -= this.#handedMessages;
    linkMemory.outbound -= this.#handedPayload;
    this.#handedPayload = this.#handedMessages = 0;
    this.#releaseHanded();
    this.#isInSocket = false;
  }

  #releaseHanded(): void {
    for (let segment = this.#handed; segment !== undefined; segment = segment.next) arena.release(segment);
    this.#handed = undefined;
  }

  /** Comes a tick after a write that the kernel took at once, which is then settled already. */
  readonly #onWritten = (error?: Error | null): void => {
    if (error) return;
    if (this.#isInSocket) {
      this.#settle();
      if (!this.#isInSocket) this.flush();
    }
    this.#owner.onProgress();
  };
}
