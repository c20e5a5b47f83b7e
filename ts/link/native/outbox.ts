/**
 * Outgoing runs for the I/O side, gathered in one shared buffer: the twin of `src/exchange/outbox.rs`.
 *
 * Consecutive messages to one link make one run; one native call hands over all runs of a tick, or of a
 * dispatched batch. A large message does not take the way through the buffer.
 */
import { QWormholeError } from '../../errors/error.js';
import { ENOUGH } from '../coalescing.js';
import type { ClassIndex, SharedMessage } from '../link.js';
import type { HotFunctions } from './binding.js';

/** Room for one hand-over: more would leave the processor's second-level cache. */
export const OUTBOX_BYTES = 256 * 1024;

/** From this size on a call of its own costs less than the extra copy, bytes. */
const LARGE = 16 * 1024;

const WORD = 4;
const RUN_WORDS = 4;
const RUN_HEADER = RUN_WORDS * WORD;
const RECORD_HEADER = 4;

const SEND = 1;
const FAN_OUT = 10;
const CLASS_SHIFT = 8;

/** In the header of a record whose payload is text, for carriers that tell. */
const TEXT = 0x8000_0000;
/** The same in the manner of a large message, above its class. */
const TEXT_MANNER = 1 << 8;
/** Of a large message for a link that is idle: the calling thread may write it at once. */
const IDLE_MANNER = 1 << 9;

/** What a run without messages asks of a link. */
export const Operation = {
  resume: 2,
  pause: 3,
  /** With a number, the close frame's code or 0, and a text, its reason. */
  close: 4,
  terminate: 5,
  notify: 6,
  release: 7,
  /** Of an opening handshake: with a text, the subprotocol. */
  accept: 8,
  /** Of an opening handshake: with a number, the status, and a text, the body. */
  refuse: 9,
  /** Of a TLS handshake: let it go on. */
  allow: 11,
  /** Of a TLS handshake: refuse the peer. */
  deny: 12,
  /** With a number: when the close that follows asks the peer to come back, ms. */
  advise: 13,
  /** The close that follows delivers what comes until the peer's own last word. */
  takeRest: 14,
} as const;

/** What the I/O side calls a link. */
export interface LinkName {
  readonly slot: number;
  readonly generation: number;
}

/** Where a run of messages goes. */
export interface Target extends LinkName {
  /** Nothing of it waits to be written. */
  readonly isIdle: boolean;
  /** How long its messages may wait for others, ms: 0 is to the end of the tick. */
  readonly flushIntervalMs: number;
}

/** A message that is being given to one link after the other. */
interface FanOut {
  readonly message: SharedMessage;
  readonly cls: ClassIndex;
  readonly isText: boolean;
  /** Of a large message, which does not go through the buffer: slots and generations. */
  readonly targets: number[] | undefined;
}

export class Outbox {
  readonly #hot: HotFunctions;
  /** No `Buffer`: calls through its prototype are not inlined. */
  readonly #bytes: Uint8Array;
  readonly #text: Buffer;
  readonly #words: Uint32Array;
  readonly #view: DataView;
  /** End of what is in the buffer. */
  #end = 0;
  /** The run that further messages to `#target` join; its first word, or -1. */
  #run = -1;
  #target: Target | undefined;
  #class: ClassIndex = 1;
  #fanOut: FanOut | undefined;
  /** All there is is one run to a link that was idle: the calling thread may write it at once. */
  #isDirect = false;
  #isDispatching = false;
  #isScheduled = false;
  /** Something of what is gathered goes at the end of the tick, or of the batch: then all goes. */
  #isUrgent = false;
  /** Set: what is gathered waits for others, and how long that may take. */
  #timer: NodeJS.Timeout | undefined;
  #timerMs = 0;

  constructor(memory: ArrayBuffer, hot: HotFunctions) {
    this.#hot = hot;
    this.#bytes = new Uint8Array(memory);
    this.#text = Buffer.from(memory);
    this.#words = new Uint32Array(memory);
    this.#view = new DataView(memory);
  }

  /** Adds a message of `size` bytes. */
  bytes(target: Target, cls: ClassIndex, payload: Uint8Array, size: number, isText: boolean): void {
    if (size >= LARGE) return this.#large(target, cls, payload, isText);
    const at = this.#record(target, cls, size);
    this.#bytes.set(payload, at + RECORD_HEADER);
    this.#add(at, size, isText);
  }

  /** Adds a string that has `size` bytes as UTF-8. */
  string(target: Target, cls: ClassIndex, payload: string, size: number, isText: boolean): void {
    if (size >= LARGE) return this.#large(target, cls, Buffer.from(payload, 'utf8'), isText);
    const at = this.#record(target, cls, size);
    this.#text.write(payload, at + RECORD_HEADER, size, 'utf8');
    this.#add(at, size, isText);
  }

  /** Counts a message only now that its bytes are there: copying may throw. */
  #add(at: number, size: number, isText: boolean): void {
    this.#view.setUint32(at, isText ? size | TEXT : size);
    this.#end = at + RECORD_HEADER + size;
  }

  /** Adds a message for one of many links: those that follow each other share its bytes. */
  shared(target: Target, cls: ClassIndex, message: SharedMessage, isText: boolean): void {
    const open = this.#fanOut;
    const joins = open?.message === message && open.cls === cls && open.isText === isText;
    if (!joins) this.#openFanOut(message, cls, isText);
    else if (message.size < LARGE && !this.#fits(2 * WORD)) this.#openFanOut(message, cls, isText);
    this.#schedule(target.flushIntervalMs);
    const { targets } = this.#fanOut!;
    if (targets !== undefined) return void targets.push(target.slot, target.generation);
    this.#words[this.#end / WORD] = target.slot;
    this.#words[this.#end / WORD + 1] = target.generation;
    this.#end += 2 * WORD;
  }

  /** Starts a run of one message for many links; the targets follow. */
  #openFanOut(message: SharedMessage, cls: ClassIndex, isText: boolean): void {
    const { payload, size } = message;
    if (size >= LARGE) {
      this.flush();
      this.#schedule(0);
      this.#fanOut = { message, cls, isText, targets: [] };
      return;
    }
    const record = RECORD_HEADER + size;
    const run = this.#open(FAN_OUT | (cls << CLASS_SHIFT), record, 0, record + 3 * WORD);
    this.#isDirect = false;
    const at = this.#end;
    this.#bytes.set(payload, at + RECORD_HEADER);
    this.#add(at, size, isText);
    this.#end = (this.#end + WORD - 1) & -WORD;
    this.#run = run;
    this.#fanOut = { message, cls, isText, targets: undefined };
  }

  /** Adds a wish that comes with a number and a text. */
  wish(operation: number, target: LinkName, number: number | undefined, text: string): void {
    const size = Buffer.byteLength(text);
    const words = number === undefined ? 0 : WORD;
    // What may be long is bounded by the policy above; a text that was cut here would be a lie.
    if (RUN_HEADER + words + size + WORD > OUTBOX_BYTES) throw tooLong(size);
    const run = this.#open(operation, target.slot, target.generation, words + size);
    this.#schedule(0);
    this.#isDirect = false;
    if (number !== undefined) this.#words[run + RUN_WORDS] = number;
    this.#text.write(text, this.#end + words, size, 'utf8');
    this.#words[run + 3] = words + size;
    this.#end = (this.#end + words + size + WORD - 1) & -WORD;
  }

  /** Adds a wish, in order with the messages. */
  operation(operation: number, target: LinkName, first?: number, second?: number): void {
    const data = first === undefined ? 0 : 2 * WORD;
    const run = this.#open(operation, target.slot, target.generation, data);
    this.#schedule(0);
    this.#isDirect = false;
    if (first === undefined) return;
    this.#words[run + RUN_WORDS] = first;
    this.#words[run + RUN_WORDS + 1] = second ?? 0;
    this.#words[run + 3] = data;
    this.#end += data;
  }

  /** A batch of events is about to be dispatched: what is sent meanwhile goes out at its end. */
  begin(): void {
    this.#isDispatching = true;
  }

  /** The batch is dispatched: gives what is to be submitted, which the caller's caller does, or 0. */
  end(): number {
    this.#isDispatching = false;
    return this.#isUrgent ? this.#take() : 0;
  }

  /** Hands over now. */
  flush(): void {
    const portion = this.#take();
    if (portion !== 0) this.#hot.submit(portion);
  }

  /** All that is gathered, as `submit` takes it: its length, twice, and one more where it may be written at once. */
  #take(): number {
    this.#isUrgent = false;
    if (this.#timer !== undefined) this.#stopTimer();
    this.#closeRun();
    if (this.#end === 0) return 0;
    const portion = 2 * this.#end + Number(this.#isDirect);
    this.#end = 0;
    return portion;
  }

  #large(target: Target, cls: ClassIndex, payload: Uint8Array, isText: boolean): void {
    this.flush();
    const manner = mannerOf(cls, isText) | (target.isIdle ? IDLE_MANNER : 0);
    this.#hot.submitLarge(target.slot, target.generation, manner, payload);
  }

  /** Where a record of up to `size` bytes goes: in the open run if it fits the run, else in a new one. */
  #record(target: Target, cls: ClassIndex, size: number): number {
    const need = RECORD_HEADER + size;
    const joins = this.#run >= 0 && this.#target === target && this.#class === cls && this.#fits(need);
    if (joins) {
      if (!this.#isUrgent) this.#schedule(target.flushIntervalMs);
      return this.#end;
    }
    const isIdle = target.isIdle;
    this.#run = this.#open(SEND | (cls << CLASS_SHIFT), target.slot, target.generation, need);
    this.#schedule(target.flushIntervalMs);
    this.#isDirect = isIdle && this.#run === 0;
    this.#target = target;
    this.#class = cls;
    return this.#end;
  }

  /** Starts a run with room for `data` bytes; gives its first word. */
  #open(operation: number, slot: number, generation: number, data: number): number {
    this.#closeRun();
    if (!this.#fits(RUN_HEADER + data)) this.flush();
    const run = this.#end / WORD;
    const words = this.#words;
    words[run] = operation;
    words[run + 1] = slot;
    words[run + 2] = generation;
    words[run + 3] = 0;
    this.#end += RUN_HEADER;
    return run;
  }

  /** Sees to it that what is gathered is handed over at the end of the tick, or after so many ms. */
  #schedule(ms: number): void {
    if (this.#isUrgent) return;
    if (ms > 0 && this.#end < ENOUGH) return this.#delay(ms);
    this.#isUrgent = true;
    if (this.#isDispatching || this.#isScheduled) return;
    this.#isScheduled = true;
    // nextTick rather than a microtask: see the flusher of the TypeScript driver.
    process.nextTick(this.#onTick);
  }

  #delay(ms: number): void {
    // What runs has begun before and is no longer: it is over sooner.
    if (this.#timer !== undefined && this.#timerMs <= ms) return;
    this.#stopTimer();
    this.#timerMs = ms;
    this.#timer = setTimeout(this.#onTime, ms);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #closeRun(): void {
    const fanOut = this.#fanOut;
    if (fanOut !== undefined) {
      this.#fanOut = undefined;
      if (fanOut.targets !== undefined) this.#submitFanOut(fanOut);
    }
    const run = this.#run;
    if (run < 0) return;
    this.#words[run + 3] = this.#end - (run + RUN_WORDS) * WORD;
    // The next run starts at a whole word.
    this.#end = (this.#end + WORD - 1) & -WORD;
    this.#run = -1;
    this.#target = undefined;
  }

  #submitFanOut({ message, cls, isText, targets }: FanOut): void {
    const words = Uint32Array.from(targets ?? []);
    this.#hot.submitFanOut(mannerOf(cls, isText), message.payload, new Uint8Array(words.buffer));
  }

  #fits(bytes: number): boolean {
    return this.#end + bytes + WORD <= OUTBOX_BYTES;
  }

  readonly #onTick = (): void => {
    this.#isScheduled = false;
    if (this.#isUrgent) this.flush();
  };

  readonly #onTime = (): void => this.flush();
}

function tooLong(size: number): QWormholeError {
  return new QWormholeError('ERR_QW_INTERNAL', `A text of ${size} bytes does not fit the outgoing buffer`);
}

function mannerOf(cls: ClassIndex, isText: boolean): number {
  return isText ? cls | TEXT_MANNER : cls;
}
