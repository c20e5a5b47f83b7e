/**
 * The way from the queue to the socket: what is handed over when, in how many writes, and what of it
 * the kernel has taken. At most one batch is in the socket at a time, the rest can still be overtaken.
 */
import type { Socket } from 'node:net';
import type { ClassIndex, LinkLimits } from '../link.js';
import { MIN_COST } from '../min-cost.js';
import { arena, type Segment } from './arena.js';
import { flushTiming, type FlushTiming } from './flush-interval.js';
import type { Framing } from './framing.js';
import { linkMemory } from './memory.js';
import { OutQueue } from './out-queue.js';
import type { OutboxOwner } from './outbox-owner.js';
import { Outlet } from './pace.js';

/** Most bytes in the socket and not in the kernel: a message of a higher class waits for no more. */
const MAX_BATCH = 256 * 1024;

/** Several segments up to this size in all are copied into one: a vectored write costs more than the copy. */
const MAX_MERGE = 16 * 1024;

export class SocketWriter {
  /** Payload bytes and messages accepted and not yet taken by the kernel. */
  payload = 0;
  messages = 0;
  readonly #queue: OutQueue;
  readonly #socket: Socket;
  readonly #framing: Framing;
  readonly #owner: OutboxOwner;
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
  #onHandedOver: (() => void) | undefined;
  /** Nothing goes out behind what ended our side. */
  #isShut = false;

  constructor(socket: Socket, framing: Framing, owner: OutboxOwner, limits: LinkLimits) {
    this.#socket = socket;
    this.#framing = framing;
    this.#queue = new OutQueue(framing);
    this.#owner = owner;
    this.#outlet = limits.outbound && new Outlet(limits.outbound, () => this.flush());
    this.#timing = flushTiming(limits.flushIntervalMs, owner.coalescing());
    const { enough, join } = this.#timing;
    // Where each message may change the timing, each takes the long way.
    this.#direct = join === undefined ? Math.min(limits.highWaterMark, enough) : 0;
  }

  /** Our own rate delays what waits. */
  get isHeld(): boolean {
    return this.#outlet !== undefined && this.#outlet.isHolding;
  }

  /**
   * Copies a message behind those that wait, if there is room in open memory and few wait then: the common case, in
   * few steps.
   */
  append(payload: Uint8Array, size: number, cls: ClassIndex, isText: boolean): boolean {
    const below = this.#direct;
    if (this.payload + size >= below || this.messages * MIN_COST >= below) return false;
    if (!this.#queue.append(payload, size, cls, isText)) return false;
    this.payload += size;
    this.messages += 1;
    linkMemory.outbound += size;
    return true;
  }

  /** Copies a message in. */
  write(payload: Uint8Array, size: number, cls: ClassIndex, isText: boolean): void {
    if (this.#leavesNoTrace(size)) return;
    if (!this.#queue.append(payload, size, cls, isText)) {
      this.#open(size, cls);
      this.#queue.append(payload, size, cls, isText);
    }
    this.#accepted(size);
  }

  /** Writes a string in as UTF-8 of `size` bytes. */
  writeString(payload: string, size: number, cls: ClassIndex, isText: boolean): void {
    if (this.#leavesNoTrace(size)) return;
    if (!this.#queue.appendString(payload, size, cls, isText)) {
      this.#open(size, cls);
      this.#queue.appendString(payload, size, cls, isText);
    }
    this.#accepted(size);
  }

  /** A raw message without bytes is nothing on the wire. */
  #leavesNoTrace(size: number): boolean {
    return size === 0 && this.#framing.headOf(0) === 0;
  }

  /** Hands over as much as the socket takes. Calls nobody back. */
  flush(): void {
    this.#isDirty = false;
    const socket = this.#socket;
    while (!this.#isInSocket && !this.#isShut && !socket.destroyed && !socket.writableEnded) {
      const most = this.#allowance();
      if (most === 0) return;
      const first = this.#started ?? this.#queue.shift();
      if (first === undefined) return this.#handedOver();
      if (first.size > MAX_BATCH && this.#framing.isDivisible) this.#handPart(first);
      else this.#handBatch(first, most);
      this.#outlet?.take(this.#handedPayload, this.#handedMessages);
      this.#settle();
    }
  }

  /** Calls back once everything is handed over. */
  end(onHandedOver: () => void): void {
    this.#onHandedOver = onHandedOver;
    this.flush();
  }

  /** Hands over everything at once, and nothing from now on: what ends our side goes out next. */
  shut(): void {
    if (this.#isShut) return;
    this.#isShut = true;
    const { destroyed, writableEnded } = this.#socket;
    if (destroyed || writableEnded) return;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      this.#isInSocket = true;
      this.#handedPayload += next.payload;
      this.#handedMessages += next.messages;
      next.next = this.#handed;
      this.#handed = next;
      this.#writeOne(next);
    }
    this.#settle();
  }

  #handedOver(): void {
    const onHandedOver = this.#onHandedOver;
    this.#onHandedOver = undefined;
    onHandedOver?.();
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
    if (this.#isDirty) return this.#timing.join?.(this);
    this.#isDirty = true;
    this.#timing.add(this);
  }

  /** Hands over the next part of a message that is larger than a batch. */
  #handPart(segment: Segment): void {
    const bytes = segment.view(MAX_BATCH);
    // What goes around the message goes with its first part.
    this.#handedPayload = MAX_BATCH - (segment.size - segment.payload);
    segment.payload -= this.#handedPayload;
    segment.start += MAX_BATCH;
    this.#started = segment;
    this.#isInSocket = true;
    this.#socket.write(bytes, this.#onWritten);
  }

  /** Bytes that may be handed over. */
  #allowance(): number {
    // With nothing queued there is only the end, which nothing holds back.
    if (this.#outlet === undefined || this.messages === 0) return MAX_BATCH;
    const mean = this.payload / this.messages;
    return Math.min(this.#outlet.allowance(mean + this.#framing.headOf(mean)), MAX_BATCH);
  }

  /** Hands over `first` and what fits into `most` bytes with it. */
  #handBatch(first: Segment, most: number): void {
    this.#handedPayload = first.payload;
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
      this.#handedPayload += next.payload;
      this.#handedMessages += next.messages;
    }
    if (first === last) this.#writeOne(first);
    else if (size <= MAX_MERGE) this.#writeMerged(first, size);
    else this.#writeVector(first);
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
