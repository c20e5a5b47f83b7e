/**
 * Reads what nearly all messages are, one whole frame without compression, in front of the package `ws`. Everything
 * else it leaves to the package from the frame's first byte on: control frames, fragments, what is compressed, and
 * whatever breaks the rules. It reads again when the package is between two messages and holds nothing.
 *
 * The package makes six views and two events for each message; this makes one view and one call.
 */
/* oxlint-disable no-underscore-dangle -- they are the names of the package. */
import { isUtf8 } from 'node:buffer';
import { Writable, type Duplex } from 'node:stream';
import { markShared } from '../shared-memory.js';
import { View } from '../view.js';
import { Carry } from './carry.js';
import { chunkMemory } from './chunk-memory.js';
import { discard, ownsChunks } from './discard.js';
import { flusher } from './flusher.js';
import { keyAt, Maskable } from './ws-mask.js';
import type { LinkedWebSocket } from './ws-package.js';

/** First bytes of frames that are read here. */
const TEXT = 0x81;
const BINARY = 0x82;
const MASKED = 0x80;

/** Bytes of a masking key. */
const KEY = 4;

/** Instead of a frame's length: its head is cut off, or it is none to be read here. */
const CUT = 0;
const FOREIGN = -1;

/** The package's parser of one connection, as far as it says whether it is between two messages. */
interface Receiver extends Writable {
  readonly _isServer: boolean;
  readonly _maxPayload: number;
  readonly _state: number;
  readonly _bufferedBytes: number;
  readonly _fragmented: number;
}

/** What the package's parser begins with, and comes back to behind each frame. */
const AT_HEAD = 0;

const { write: writeTo } = Writable.prototype as { write(this: Writable, bytes: Buffer): boolean };

const READER = Symbol('reader');

interface Fronted extends Receiver {
  [READER]?: WsReader;
}

/** Who takes the messages. */
export interface MessageTaker {
  /** It looks at messages, if at all, while it is given them: nothing of them is kept. */
  readonly isVoid: boolean;
  onMessage(payload: Buffer, isText: boolean): void;
}

export class WsReader {
  readonly #receiver: Receiver;
  readonly #taker: MessageTaker;
  readonly #isOwner: boolean;
  /** The bit of masking in the second byte of every frame. */
  readonly #masked: number;
  /** Front of a frame, once there was one that was cut off. */
  #carry: Carry | undefined;
  /** Of the frame that was looked at last: its length, that of its head, and its kind. */
  #length = CUT;
  #head = 0;
  #isText = false;

  /** Has the messages of `ws` read, where the package is one that is known. To be called before any came. */
  static readFor(ws: LinkedWebSocket, socket: Duplex, taker: MessageTaker): void {
    const { _receiver: receiver } = ws as { readonly _receiver?: Fronted };
    if (!isKnown(receiver)) return;
    receiver[READER] = new WsReader(receiver, taker, ownsChunks(socket));
    receiver.write = write as Writable['write'];
  }

  /** Bytes that are held in front of this parser of the package. */
  static heldFor(receiver: Writable): number {
    return (receiver as Fronted)[READER]?.held ?? 0;
  }

  private constructor(receiver: Receiver, taker: MessageTaker, isOwner: boolean) {
    this.#receiver = receiver;
    this.#taker = taker;
    this.#isOwner = isOwner;
    this.#masked = receiver._isServer ? MASKED : 0;
  }

  get held(): number {
    return this.#carry === undefined ? 0 : this.#carry.length;
  }

  /** Takes a chunk; false if no more is wanted until the package says so. */
  read(chunk: Buffer): boolean {
    chunkMemory.add(chunk.length);
    const { isVoid } = this.#taker;
    const isOutermost = flusher.begin();
    try {
      if (!this.#isPackageIdle) return this.#leave(chunk);
      return this.held === 0 ? this.#readFrames(chunk, 0) : this.#resume(chunk);
    } finally {
      if (isOutermost) flusher.end();
      if (isVoid && this.#isOwner && this.#isPackageIdle) discard(chunk);
    }
  }

  /** It is between two messages and holds nothing. */
  get #isPackageIdle(): boolean {
    const receiver = this.#receiver;
    if (receiver._state !== AT_HEAD || receiver._fragmented !== 0) return false;
    return receiver._bufferedBytes === 0 && receiver.writableLength === 0 && receiver.writable;
  }

  #leave(bytes: Buffer): boolean {
    return writeTo.call(this.#receiver, bytes);
  }

  /** Reads the frames from `at` on. */
  #readFrames(chunk: Buffer, at: number): boolean {
    const end = chunk.length;
    const maskable = this.#maskable(chunk);
    if (!this.#taker.isVoid) markShared(chunk.buffer);
    while (at < end) {
      const length = this.#look(chunk, at, end);
      if (length === FOREIGN) return this.#leave(chunk.subarray(at));
      if (length === CUT || at + length > end) return this.#keep(chunk, at, end);
      if (!this.#deliver(chunk, maskable, at)) return this.#leave(chunk.subarray(at));
      at += length;
    }
    return true;
  }

  /** The front of a frame. */
  #keep(chunk: Buffer, at: number, end: number): true {
    const carry = (this.#carry ??= new Carry());
    if (this.#taker.isVoid) carry.append(chunk, at, end, this.#length);
    else carry.keep(chunk, at, end);
    return true;
  }

  /** Goes on with a frame that began in an earlier chunk. */
  #resume(chunk: Buffer): boolean {
    const carry = this.#carry!;
    if (this.#length === CUT) {
      // Some bytes of a head: it is seldom cut, and then there is one way to read it.
      const whole = Buffer.concat([carry.bytes.subarray(0, carry.length), chunk]);
      carry.clear();
      return this.#readFrames(whole, 0);
    }
    const at = Math.min(this.#length - carry.length, chunk.length);
    carry.append(chunk, 0, at, this.#length);
    if (carry.length < this.#length) return true;
    const frame = carry.bytes;
    if (this.#taker.isVoid) carry.reuse();
    else carry.clear();
    if (this.#deliver(frame, this.#maskable(frame), 0)) return this.#readFrames(chunk, at);
    this.#leave(frame);
    return this.#leave(chunk.subarray(at));
  }

  /** Looks at the head of a frame: how long is all of it? */
  #look(bytes: Buffer, at: number, end: number): number {
    this.#length = CUT;
    const first = bytes[at];
    if (first !== BINARY && first !== TEXT) return FOREIGN;
    const there = end - at;
    if (there < 2) return CUT;
    const second = bytes[at + 1];
    if ((second & MASKED) !== this.#masked) return FOREIGN;
    let size = second & 0x7f;
    let head = 2;
    if (size === 126) {
      head = 4;
      if (there < head) return CUT;
      size = (bytes[at + 2] << 8) | bytes[at + 3];
    } else if (size === 127) {
      head = 10;
      if (there < head) return CUT;
      size = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
    }
    const most = this.#receiver._maxPayload;
    // Told before the rest of the head comes.
    if (size > most && most > 0) return FOREIGN;
    if (this.#masked !== 0) head += KEY;
    if (there < head) return CUT;
    this.#isText = first === TEXT;
    this.#head = head;
    return (this.#length = head + size);
  }

  #maskable(bytes: Buffer): Maskable | undefined {
    return this.#masked === 0 ? undefined : new Maskable(bytes);
  }

  /** Delivers the frame that was looked at; false, and it is as it was, if it is to be text and is none. */
  #deliver(bytes: Buffer, maskable: Maskable | undefined, at: number): boolean {
    const begin = at + this.#head;
    const end = at + this.#length;
    const isText = this.#isText;
    maskable?.mask(begin, end, keyAt(bytes, begin - KEY));
    const payload = new View(bytes.buffer, bytes.byteOffset + begin, end - begin);
    if (isText && !isUtf8(payload)) {
      maskable?.mask(begin, end, keyAt(bytes, begin - KEY));
      return false;
    }
    this.#taker.onMessage(payload, isText);
    return true;
  }
}

function write(this: Fronted, chunk: Buffer): boolean {
  return this[READER]!.read(chunk);
}

function isKnown(receiver: Partial<Receiver> | undefined): receiver is Fronted {
  return (
    receiver !== undefined &&
    typeof receiver._isServer === 'boolean' &&
    typeof receiver._maxPayload === 'number' &&
    typeof receiver._bufferedBytes === 'number' &&
    typeof receiver._fragmented === 'number' &&
    receiver._state === AT_HEAD
  );
}
