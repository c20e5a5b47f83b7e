/**
 * What a link of QWH/1 has accepted and the kernel has not taken. Messages wait whole; they become fragments and
 * records when the kernel takes more, so that a higher class overtakes the rest of a large message. Only small ones
 * behind which nothing waits are packed at once, into the batch that goes out at the end of the tick.
 */
import { Encoder, MAX_FRAGMENT, Scheduler, type GoAway } from '../../qwh/index.js';
import type { ClassIndex, LinkLimits } from '../link.js';
import { MIN_COST } from '../min-cost.js';
import { arena, type Segment } from './arena.js';
import { flushTiming, type FlushTiming } from './flush-interval.js';
import { Lane } from './lane.js';
import { linkMemory } from './memory.js';
import type { OutboxOwner } from './outbox-owner.js';
import { Outlet } from './pace.js';
import type { RecordCarrier } from './qwh-carrier.js';

/** Bytes handed over at a time: what overtakes waits for no more. */
const MAX_BATCH = 64 * 1024;
/** Up to this size a message is packed at once, bytes: it is one frame, and a batch has many of them. */
const MAX_SMALL = 4096;
/** PONGs that a peer who does not read them may have waiting, bytes: beyond, the newest answer serves for all. */
const MAX_REPLIES = 16 * 1024;
/** Frame header, record length, and room to begin another record. */
const FRAME_COST = 16;
/** A PING or PONG, and the record around it. */
const MAX_SIGN = 32;
/** A GOAWAY with its reason, and the record around it. */
const MAX_GOAWAY = 320;

/** Called once the kernel has taken what was written. */
type OnTaken = (error?: Error | null) => void;

interface Waiting {
  readonly data: Uint8Array;
}

export class QwhOutbox {
  /** Payload bytes and messages accepted and not yet taken by the kernel. */
  payload = 0;
  messages = 0;
  readonly #carrier: RecordCarrier;
  readonly #owner: OutboxOwner;
  readonly #encoder: Encoder;
  readonly #scheduler = new Scheduler();
  /** Set: what is handed over is held back. */
  readonly #outlet: Outlet | undefined;
  readonly #timing: FlushTiming;
  /** With the first message of each class. */
  readonly #lanes: (Lane<Waiting> | undefined)[] = [undefined, undefined, undefined];
  /** Payload bytes that are in no record yet, and their messages. */
  #unpacked = 0;
  #waiting = 0;
  /** Small messages are packed at once. */
  readonly #packs: boolean;
  /** From so many payload bytes or messages on `send` says more than `sent`. */
  readonly #high: number;
  /** The batch that small messages are packed into, their class, and what they count for. */
  #batch: Segment | undefined;
  #batchClass: ClassIndex = 1;
  #batchPayload = 0;
  #batchMessages = 0;
  /** What the batch on its way counts for, and its memory. */
  #handedPayload = 0;
  #handedMessages = 0;
  #handed: Segment | undefined;
  /** Number of the last hand-over; 0 in `#inFlight` means that none is. */
  #handOvers = 0;
  #inFlight = 0;
  #isDirty = false;
  #isOver = false;
  #replies = 0;
  #heldReply: Uint8Array | undefined;
  #goaway: GoAway | undefined;

  constructor(carrier: RecordCarrier, owner: OutboxOwner, limits: LinkLimits) {
    this.#carrier = carrier;
    this.#owner = owner;
    this.#encoder = new Encoder(carrier.kind);
    this.#outlet = limits.outbound && new Outlet(limits.outbound, () => this.flush());
    this.#timing = flushTiming(limits.flushIntervalMs, owner.coalescing());
    // Shared memory is for what goes at the end of the tick.
    this.#packs = carrier.kind === 'stream' && this.#outlet === undefined && this.#timing.enough === Infinity;
    this.#high = limits.highWaterMark;
  }

  /** Our own rate delays what waits. */
  get isHeld(): boolean {
    return this.#outlet !== undefined && this.#outlet.isHolding;
  }

  /**
   * Packs a small message behind another one of this tick, if there is room and few wait: the common case, in few
   * steps.
   */
  append(payload: Uint8Array, size: number, cls: ClassIndex): boolean {
    const batch = this.#batch;
    if (batch === undefined || cls !== this.#batchClass || size > MAX_SMALL || this.#waiting > 0)
      return false;
    if (this.payload + size >= this.#high || this.messages * MIN_COST >= this.#high) return false;
    if (batch.used + FRAME_COST + size > batch.limit || batch.size >= MAX_BATCH) return false;
    this.#pack(batch, payload, size);
    return true;
  }

  /** Takes a message whose memory the caller may use again. */
  write(payload: Uint8Array, size: number, cls: ClassIndex): void {
    if (!this.#packs || size > MAX_SMALL || this.#waiting > 0) return this.add(Buffer.from(payload), cls);
    // The memory of a batch that is full is free again where the kernel takes it.
    if (this.#batch !== undefined && this.#batch.size >= MAX_BATCH) this.flush();
    if (this.#batch !== undefined || this.#inFlight !== 0 || this.#isOver)
      return this.add(Buffer.from(payload), cls);
    this.#batch = arena.open(FRAME_COST + size);
    this.#batchClass = cls;
    this.#pack(this.#batch, payload, size);
    this.#schedule();
  }

  #pack(batch: Segment, payload: Uint8Array, size: number): void {
    const encoder = this.#encoder;
    batch.used = encoder.whole(this.#batchClass, payload, size, batch.memory, batch.used);
    if (encoder.isFull(batch.used)) encoder.seal(batch.memory, batch.used);
    this.#batchPayload += size;
    this.#batchMessages += 1;
    this.payload += size;
    this.messages += 1;
    linkMemory.outbound += size;
  }

  /** Queues a message whose memory is the outbox's from now on, or nobody's to change. */
  add(data: Uint8Array, cls: ClassIndex): void {
    (this.#lanes[cls] ??= new Lane()).push({ data });
    this.payload += data.length;
    this.#unpacked += data.length;
    this.#waiting += 1;
    this.messages += 1;
    linkMemory.outbound += data.length;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#inFlight !== 0) return;
    if (this.payload >= this.#timing.enough) return this.flush();
    if (this.#isDirty) return this.#timing.join?.(this);
    this.#isDirty = true;
    this.#timing.add(this);
  }

  /** Sends a record that answers the peer's. */
  reply(record: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#replies + record.length > MAX_REPLIES) {
      this.#heldReply = record;
      return;
    }
    this.#replies += record.length;
    this.#carrier.write(record, (error) => {
      this.#replies -= record.length;
      const held = this.#heldReply;
      this.#heldReply = undefined;
      if (!error && held !== undefined) this.reply(held);
    });
  }

  /** Sends a PING, or the PONG of one who does not read. */
  sign(isPing: boolean): void {
    const record = new Uint8Array(MAX_SIGN);
    const encoder = new Encoder(this.#carrier.kind);
    const end = isPing ? encoder.ping(0n, record, 0) : encoder.pong(0n, record, 0);
    encoder.seal(record, end);
    this.reply(record.subarray(0, end));
  }

  /** Hands over as much as the kernel takes, and one batch more. Calls nobody back. */
  flush(): void {
    this.#isDirty = false;
    while (this.#inFlight === 0 && !this.#isOver) {
      const most = this.#allowance();
      if (most === 0) return;
      if (!this.#handOver(most)) break;
    }
    if (this.#inFlight === 0 && !this.#isOver) this.#partIfDue();
  }

  /** Hands over everything at once. */
  flushAll(): void {
    while (!this.#isOver && this.#handOver(MAX_BATCH));
    if (!this.#isOver) this.#partIfDue();
  }

  /** Has a GOAWAY follow the last message, and then the end of our side. */
  end(goaway: GoAway): void {
    this.#goaway ??= goaway;
    this.flush();
  }

  /** Sends a GOAWAY now, and drops what waits. */
  endNow(goaway: GoAway): void {
    this.#goaway ??= goaway;
    this.#dropBatch();
    this.#partIfDue();
  }

  /** Drops what the kernel has not taken. */
  discard(): void {
    this.#outlet?.stop();
    this.#isOver = true;
    linkMemory.outbound -= this.payload;
    this.payload = this.messages = 0;
    this.#lanes.fill(undefined);
    this.#waiting = this.#unpacked = 0;
    this.#dropBatch();
    this.#release();
  }

  #dropBatch(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    this.#encoder.seal(batch.memory, batch.used);
    arena.release(batch);
  }

  #partIfDue(): void {
    const goaway = this.#goaway;
    if (goaway === undefined || this.#isOver) return;
    this.#goaway = undefined;
    const memory = new Uint8Array(MAX_GOAWAY);
    const end = this.#encoder.goaway(goaway, memory, 0);
    this.#encoder.seal(memory, end);
    this.#carrier.write(memory.subarray(0, end));
    this.#carrier.end(goaway.code, goaway.reason);
  }

  /** Payload bytes that may be handed over. */
  #allowance(): number {
    // With nothing queued there is only the end, which nothing holds back.
    if (this.#outlet === undefined || this.messages === 0) return MAX_BATCH;
    return Math.min(this.#outlet.allowance(this.payload / this.messages), MAX_BATCH);
  }

  /** Packs a batch of about `most` bytes and hands it over; false if there is nothing to pack. */
  #handOver(most: number): boolean {
    if (this.#batch !== undefined) return this.#handBatch(this.#batch);
    let fragment = this.#next();
    if (fragment === undefined) return false;
    const [payload, messages] = [this.#handedPayload, this.#handedMessages];
    const waiting = this.#unpacked + this.messages * FRAME_COST;
    // What is packed at the end may be a whole fragment more.
    const segment = arena.open(Math.min(waiting, MAX_BATCH) + 2 * MAX_FRAGMENT);
    const { memory, start } = segment;
    const isStream = this.#carrier.kind === 'stream';
    const ends: number[] = [];
    let at = start;
    while (fragment !== undefined) {
      const lane = this.#lanes[fragment.class]!;
      at = this.#encoder.fragment(fragment, lane.first!.data, memory, at);
      const packed = fragment.to - fragment.from;
      this.#handedPayload += packed;
      this.#unpacked -= packed;
      if (fragment.to === fragment.total) {
        lane.shift();
        this.#waiting -= 1;
        this.#handedMessages += 1;
      }
      fragment = at - start < most ? this.#next() : undefined;
      if (fragment !== undefined && !this.#encoder.isFull(at)) continue;
      this.#encoder.seal(memory, at);
      if (!isStream) ends.push(at);
    }
    this.#outlet?.take(this.#handedPayload - payload, this.#handedMessages - messages);
    segment.used = at;
    const onTaken = this.#hold(segment);
    if (isStream) this.#carrier.write(segment.view(at - start), onTaken);
    else this.#writeEach(segment, ends, onTaken);
    this.#settleIfTaken();
    return true;
  }

  /** Hands over what was packed at once. */
  #handBatch(batch: Segment): boolean {
    this.#batch = undefined;
    this.#encoder.seal(batch.memory, batch.used);
    this.#handedPayload += this.#batchPayload;
    this.#handedMessages += this.#batchMessages;
    this.#batchPayload = this.#batchMessages = 0;
    const onTaken = this.#hold(batch);
    this.#carrier.write(batch.view(batch.size), onTaken);
    this.#settleIfTaken();
    return true;
  }

  /** Keeps the memory of what is handed over; gives what the carrier is to call. */
  #hold(segment: Segment): OnTaken {
    arena.close(segment);
    segment.next = this.#handed;
    this.#handed = segment;
    const handed = (this.#inFlight = this.#handOvers += 1);
    return (error) => this.#onWritten(handed, error);
  }

  #settleIfTaken(): void {
    const { socket } = this.#carrier;
    if (socket.writableLength === 0 && !socket.destroyed) this.#settle();
  }

  /** Each record is a message of the carrier's. */
  #writeEach({ memory, start }: Segment, ends: readonly number[], onTaken: OnTaken): void {
    const { socket } = this.#carrier;
    socket.cork();
    let from = start;
    for (const [index, end] of ends.entries()) {
      const isLast = index === ends.length - 1;
      this.#carrier.write(memory.subarray(from, end), isLast ? onTaken : undefined);
      from = end;
    }
    socket.uncork();
  }

  #next() {
    const [high, normal, low] = this.#lanes;
    return this.#scheduler.next(sizeOf(high), sizeOf(normal), sizeOf(low));
  }

  #settle(): void {
    this.payload -= this.#handedPayload;
    this.messages -= this.#handedMessages;
    linkMemory.outbound -= this.#handedPayload;
    this.#handedPayload = this.#handedMessages = 0;
    this.#inFlight = 0;
    this.#release();
  }

  #release(): void {
    for (let segment = this.#handed; segment !== undefined; segment = segment.next) arena.release(segment);
    this.#handed = undefined;
  }

  /** Comes a tick after a batch that the kernel took at once, which is then settled already. */
  #onWritten(handed: number, error: Error | null | undefined): void {
    if (error || this.#isOver) return;
    // What else is in the socket by now, signs of life say, does not matter.
    if (handed === this.#inFlight) this.#settle();
    if (this.#inFlight === 0) this.flush();
    this.#owner.onProgress();
  }
}

function sizeOf(lane: Lane<Waiting> | undefined): number {
  return lane?.first?.data.length ?? -1;
}
