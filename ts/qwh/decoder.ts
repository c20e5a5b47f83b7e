/**
 * The receiving half: records to messages, frame by frame.
 *
 * It is pulled: `push` gives it a chunk or a record, `next` takes one message after the other, so that whoever
 * pulls may stop at any message and go on later. A message in one frame that lies whole in a chunk is a view of
 * it. All others go to memory of their own as their bytes come.
 */
import { CloseCode } from '../close-codes.js';
import { Allowance } from './allowance.js';
import { concat, u16, u16At, u32At } from './bytes.js';
import { Fault, protocolFault } from './fault.js';
import { EXTENDED, HEADER, Kind, MORE, classOf, controlFrame, isWholeMessage, wrongHeader } from './frame.js';
import { type GoAway, isGoAwayLength, parseGoAway } from './goaway.js';
import type { Carrier } from './handshake.js';
import { MAX_MESSAGE_EXTENSION, MAX_RECORD } from './limits.js';
import { Reassembly, checkFragment } from './reassembly.js';
import { isIgnorable, readTlvs } from './tlv.js';

/** Bytes of a record's length, of a message's size, of the length of its extension, and of a PING. */
const LENGTH = 2;
const TOTAL = 4;
const EXTENSION = 2;
const PING = 8;

/** Pings that wait for their pongs. The newest are kept: one answer serves for all before it. */
const MAX_PINGS = 64;

const NOTHING = new Uint8Array(0);

/** What a peer may ask of us. */
export interface ReceiveLimits {
  /** Largest message, bytes; the `maxMessage` of our HELLO. */
  readonly maxMessage: number;
  /** Most fragments of a message that needs fewer, at 16 KiB each. */
  readonly maxFragments: number;
  /** Most frames at once that are no messages. */
  readonly controlBurst: number;
  /** Such frames a second, once the burst is used up. */
  readonly controlPerSecond: number;
}

/** Makes a view of received bytes: `Uint8Array` itself, or a subclass of it. */
export type ViewConstructor<View extends Uint8Array> = new (
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
) => View;

/** How a decoder is made. */
export interface DecoderSettings<View extends Uint8Array> {
  readonly carrier: Carrier;
  readonly limits: ReceiveLimits;
  /** Bytes of a record that the handshake began. */
  readonly recordRest: number;
  /** What messages are. */
  readonly view: ViewConstructor<View>;
  /** A monotonic clock, milliseconds; asked only for control frames. */
  readonly now: () => number;
}

export class Decoder<View extends Uint8Array> {
  /** What the peer did wrong; nothing follows it. */
  fault: Fault | undefined;
  /** The peer's last frame; nothing follows it. */
  goaway: GoAway | undefined;
  /** Set: nobody wants messages any more. Their frames are checked all the same, up to the last one. */
  isVoid = false;
  readonly #carrier: Carrier;
  readonly #limits: ReceiveLimits;
  readonly #view: ViewConstructor<View>;
  readonly #now: () => number;
  readonly #allowance: Allowance;
  #chunk: Uint8Array = NOTHING;
  /** The chunk's memory and where it begins there: asking the chunk for each message costs what parsing one does. */
  #memory: ArrayBufferLike = NOTHING.buffer;
  #offset = 0;
  /** The part of the chunk that is not parsed. */
  #at = 0;
  #end = 0;
  /** What must be read at once but came in several chunks: a header with its head, or a control frame. */
  #carry: Uint8Array = NOTHING;
  /** Where what `#need` asked for lies. */
  #source: Uint8Array = NOTHING;
  #from = 0;
  /** Bytes of the current record that are not taken. */
  #recordRest: number;
  /** Messages under way, by class. */
  readonly #messages: (Reassembly | undefined)[] = [undefined, undefined, undefined];
  /** Bytes that the open frame lacks; -1 if none is open. */
  #openRest = -1;
  /** The message of the open frame; none if nobody wants it. */
  #openMessage: Reassembly | undefined;
  /** The class of it, if the open frame is its last; else -1. */
  #openLast = -1;
  #pings: Uint8Array[] = [];

  constructor({ carrier, limits, recordRest, view, now }: DecoderSettings<View>) {
    this.#carrier = carrier;
    this.#limits = limits;
    this.#recordRest = recordRest;
    this.#view = view;
    this.#now = now;
    this.#allowance = new Allowance(limits.controlBurst, limits.controlPerSecond);
  }

  /** Bytes received that are part of no message taken yet. */
  get held(): number {
    const [high, normal, low] = this.#messages;
    const under = (high?.length ?? 0) + (normal?.length ?? 0) + (low?.length ?? 0);
    return under + this.#carry.length + this.#end - this.#at;
  }

  /** Whether the stream must not end here: inside of a record, or of a message. */
  get isUnfinished(): boolean {
    const isInside = this.#recordRest > 0 || this.#messages.some(Boolean);
    return this.goaway === undefined && (isInside || this.#carry.length > 0 || this.#at < this.#end);
  }

  /**
   * Offers the next bytes of a stream, or a record that came as a message. They stay valid: messages are views of
   * them. Those before must be parsed: `next` returned `undefined`.
   */
  push(bytes: Uint8Array): void {
    if (this.fault !== undefined || this.goaway !== undefined) return;
    this.#chunk = bytes;
    this.#memory = bytes.buffer;
    this.#offset = bytes.byteOffset;
    this.#at = 0;
    this.#end = bytes.length;
    if (this.#carrier === 'stream' || this.#recordRest > 0) return;
    try {
      this.#beginRecord(bytes.length);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The next whole message, or `undefined` until more bytes come. */
  next(): View | undefined {
    // Nearly all messages are small, whole and in one frame. Everything else takes the long way, which repeats
    // each check; behind a fault or the last frame there is no chunk.
    const at = this.#at;
    const body = at + HEADER;
    if (this.#carry.length === 0 && this.#openRest < 0 && body <= this.#end) {
      const chunk = this.#chunk;
      const length = (chunk[at + 2] << 8) | chunk[at + 3];
      const end = body + length;
      const rest = this.#recordRest - HEADER - length;
      const fits = rest >= 0 && end <= this.#end && length <= this.#limits.maxMessage;
      if (fits && isWholeMessage(chunk, at) && this.#messages[classOf(chunk[at + 1])] === undefined) {
        this.#at = end;
        this.#recordRest = rest;
        return new this.#view(this.#memory, this.#offset + body, length);
      }
    }
    return this.#nextOfAny();
  }

  #nextOfAny(): View | undefined {
    if (this.fault !== undefined || this.goaway !== undefined) return undefined;
    try {
      const message = this.#parse();
      if (this.#at === this.#end) this.#release();
      return message;
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** The PONGs that are due, as a record. */
  takeReplies(): Uint8Array | undefined {
    if (this.#pings.length === 0) return undefined;
    const frames = concat(...this.#pings.map((opaque) => controlFrame(Kind.pong, opaque)));
    this.#pings = [];
    return this.#carrier === 'stream' ? concat(u16(frames.length), frames) : frames;
  }

  /** Forgets everything held. */
  discard(): void {
    this.#release();
    this.#carry = NOTHING;
    this.#messages.fill(undefined);
    this.#openRest = this.#openLast = -1;
    this.#openMessage = undefined;
  }

  #release(): void {
    this.#chunk = this.#source = NOTHING;
    this.#memory = NOTHING.buffer;
    this.#at = this.#end = 0;
  }

  #fail(error: unknown): undefined {
    this.discard();
    if (!(error instanceof Fault)) throw error;
    this.fault = error;
  }

  #parse(): View | undefined {
    for (;;) {
      if (this.#openRest >= 0) {
        const message = this.#feed();
        if (message !== undefined || this.#openRest >= 0) return message;
      }
      if (!this.#needRecord() || !this.#need(HEADER)) return undefined;
      const source = this.#source;
      const from = this.#from;
      const wrong = wrongHeader(source, from);
      if (wrong !== undefined) throw protocolFault(wrong);
      const kind = source[from];
      const flags = source[from + 1];
      const length = u16At(source, from + 2);
      if (HEADER + length > this.#recordRest) throw tooLong();
      if (kind === Kind.data) {
        if (this.#messages[classOf(flags)] !== undefined)
          throw protocolFault('a message begins inside of another of its class');
        const head = (flags & (MORE | EXTENDED)) === 0 ? 0 : this.#needHead(flags, length);
        if (head < 0) return undefined;
        const message = this.#data(flags, length, head);
        if (message !== undefined) return message;
      } else if (kind === Kind.cont) this.#cont(flags, length);
      else if (!this.#control(kind, length)) return undefined;
      if (this.goaway !== undefined) return undefined;
    }
  }

  /** Makes sure that there is a record with room for a header in it; false until more bytes come. */
  #needRecord(): boolean {
    if (this.#recordRest === 0) {
      if (this.#carrier === 'messages' || !this.#need(LENGTH)) return false;
      const length = u16At(this.#source, this.#from);
      this.#pass(LENGTH);
      this.#beginRecord(length);
    }
    if (this.#recordRest < HEADER) throw tooLong();
    return true;
  }

  /** The first or only frame of a message, of which the header and `head` bytes are at hand. */
  #data(flags: number, length: number, head: number): View | undefined {
    const index = classOf(flags);
    const hasMore = (flags & MORE) !== 0;
    const payload = length - head;
    const total = hasMore ? u32At(this.#source, this.#from + HEADER) : payload;
    if (total > this.#limits.maxMessage) throw new Fault(CloseCode.too_big, 'a message is too long');
    checkFragment(payload, hasMore, total);
    this.#take(HEADER + head);
    const at = this.#at;
    if (!hasMore && this.#end - at >= payload) {
      this.#at = at + payload;
      this.#recordRest -= payload;
      return new this.#view(this.#memory, this.#offset + at, payload);
    }
    const message = new Reassembly(total, this.isVoid);
    this.#messages[index] = message;
    this.#open(message, payload, hasMore ? -1 : index);
    return undefined;
  }

  /** A further frame of a message. */
  #cont(flags: number, length: number): void {
    const index = classOf(flags);
    const hasMore = (flags & MORE) !== 0;
    const message = this.#messages[index];
    if (message === undefined) throw protocolFault('there is no message to continue');
    message.announce(length, hasMore, this.#limits.maxFragments);
    this.#take(HEADER);
    this.#open(message, length, hasMore ? -1 : index);
  }

  /** A frame that is no message; false until it is whole. */
  #control(kind: number, length: number): boolean {
    if (kind === Kind.pad || kind >= Kind.extension) {
      this.#admit();
      this.#take(HEADER);
      this.#open(undefined, length, -1);
      return true;
    }
    const isPing = kind === Kind.ping || kind === Kind.pong;
    if (isPing && length !== PING) throw protocolFault('a PING or PONG has not eight bytes');
    if (kind === Kind.goaway && !isGoAwayLength(length)) throw protocolFault('a GOAWAY is malformed');
    if (!isPing && kind !== Kind.goaway) throw protocolFault('a frame comes where it must not');
    if (!this.#need(HEADER + length)) return false;
    this.#admit();
    const start = this.#from + HEADER;
    const body = this.#source.slice(start, start + length);
    this.#take(HEADER + length);
    if (kind === Kind.goaway) {
      this.goaway = parseGoAway(body);
      this.discard();
    } else if (kind === Kind.ping) {
      if (this.#pings.length === MAX_PINGS) this.#pings.shift();
      this.#pings.push(body);
    }
    return true;
  }

  /** Counts a frame that is no message. */
  #admit(): void {
    if (!this.#allowance.take(this.#now()))
      throw new Fault(CloseCode.rate_limited, 'there are too many control frames');
  }

  #open(message: Reassembly | undefined, rest: number, last: number): void {
    this.#openMessage = message;
    this.#openRest = rest;
    this.#openLast = last;
  }

  /** Gives the open frame what there is of it, and closes it if that is all; gives its message if it was the last. */
  #feed(): View | undefined {
    const end = Math.min(this.#end, this.#at + this.#openRest);
    const fresh = this.#chunk.subarray(this.#at, end);
    this.#openMessage?.push(fresh);
    this.#at = end;
    this.#openRest -= fresh.length;
    this.#recordRest -= fresh.length;
    if (this.#openRest > 0) return undefined;
    const message = this.#openMessage;
    const last = this.#openLast;
    this.#open(undefined, -1, -1);
    if (message === undefined || last < 0) return undefined;
    this.#messages[last] = undefined;
    if (message.isVoid) return undefined;
    return new this.#view(message.finish().buffer, 0, message.total);
  }

  /** Gathers a message's head, checks it and gives its length; -1 until it is whole. */
  #needHead(flags: number, length: number): number {
    let head = 0;
    if ((flags & MORE) !== 0) {
      head += TOTAL;
      if (head > length) throw headTooLong();
      if (!this.#need(HEADER + head)) return -1;
    }
    if ((flags & EXTENDED) === 0) return head;
    head += EXTENSION;
    if (head > length) throw headTooLong();
    if (!this.#need(HEADER + head)) return -1;
    const extension = u16At(this.#source, this.#from + HEADER + head - EXTENSION);
    head += extension;
    if (head > length) throw headTooLong();
    if (extension > MAX_MESSAGE_EXTENSION) throw protocolFault("a message's extension is too long");
    if (!this.#need(HEADER + head)) return -1;
    const end = this.#from + HEADER + head;
    checkExtension(this.#source.subarray(end - extension, end));
    return head;
  }

  /** Makes `count` bytes readable at once, at `#from` of `#source`; false until more bytes come. */
  #need(count: number): boolean {
    const carried = this.#carry.length;
    if (carried === 0 && this.#end - this.#at >= count) {
      this.#source = this.#chunk;
      this.#from = this.#at;
      return true;
    }
    if (carried < count) {
      // Mostly a chunk ends with a record.
      if (this.#at === this.#end) return false;
      const end = Math.min(this.#end, this.#at + count - carried);
      this.#carry = concat(this.#carry, this.#chunk.subarray(this.#at, end));
      this.#at = end;
    }
    this.#source = this.#carry;
    this.#from = 0;
    return this.#carry.length >= count;
  }

  /** Leaves behind what was needed, within the record. */
  #take(count: number): void {
    this.#pass(count);
    this.#recordRest -= count;
  }

  /** Leaves behind what was needed: all that was carried, or so much of the chunk. */
  #pass(count: number): void {
    if (this.#carry.length > 0) this.#carry = NOTHING;
    else this.#at += count;
  }

  #beginRecord(length: number): void {
    if (length > MAX_RECORD) throw new Fault(CloseCode.too_big, 'a record is too long');
    if (length === 0) throw protocolFault('a record is empty');
    this.#recordRest = length;
  }
}

function tooLong(): Fault {
  return protocolFault('a frame is longer than its record');
}

function headTooLong(): Fault {
  return protocolFault("a message's head is longer than its frame");
}

/** Nothing in it is known yet: odd types are passed over, even ones must not be. */
function checkExtension(bytes: Uint8Array): void {
  for (const { type } of readTlvs(bytes, protocolFault))
    if (!isIgnorable(type)) throw protocolFault('a message needs what is not known here');
}
