/**
 * Outgoing runs for the I/O side, gathered in one shared buffer: the twin of `src/exchange/outbox.rs`.
 *
 * Consecutive messages to one link make one run; one native call hands over all runs of a tick, or of a
 * dispatched batch. A large message does not take the way through the buffer.
 */
import type { ClassIndex } from '../link.js';
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
const CLASS_SHIFT = 8;

/** What a run without messages asks of a link. */
export const Operation = { resume: 2, pause: 3, close: 4, terminate: 5, notify: 6, release: 7 } as const;

/** Where a run goes. */
export interface Target {
  readonly slot: number;
  readonly generation: number;
  /** Nothing of it waits to be written. */
  readonly isIdle: boolean;
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
  /** All there is is one run to a link that was idle: the calling thread may write it at once. */
  #isDirect = false;
  #isDispatching = false;
  #isScheduled = false;

  constructor(memory: ArrayBuffer, hot: HotFunctions) {
    this.#hot = hot;
    this.#bytes = new Uint8Array(memory);
    this.#text = Buffer.from(memory);
    this.#words = new Uint32Array(memory);
    this.#view = new DataView(memory);
  }

  /** Adds a message of `size` bytes. */
  bytes(target: Target, cls: ClassIndex, payload: Uint8Array, size: number): void {
    if (size >= LARGE) return this.#large(target, cls, payload);
    const at = this.#record(target, cls, size);
    this.#bytes.set(payload, at + RECORD_HEADER);
    this.#add(at, size);
  }

  /** Adds a string that has `size` bytes as UTF-8. */
  string(target: Target, cls: ClassIndex, payload: string, size: number): void {
    if (size >= LARGE) return this.#large(target, cls, Buffer.from(payload, 'utf8'));
    const at = this.#record(target, cls, size);
    this.#text.write(payload, at + RECORD_HEADER, size, 'utf8');
    this.#add(at, size);
  }

  /** Counts a message only now that its bytes are there: copying may throw. */
  #add(at: number, size: number): void {
    this.#view.setUint32(at, size);
    this.#end = at + RECORD_HEADER + size;
  }

  /** Adds a wish, in order with the messages. */
  operation(operation: number, target: Target, first?: number, second?: number): void {
    const data = first === undefined ? 0 : 2 * WORD;
    const run = this.#open(operation, target, data);
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

  /** The batch is dispatched. */
  end(): void {
    this.#isDispatching = false;
    this.flush();
  }

  /** Hands over now. */
  flush(): void {
    this.#closeRun();
    if (this.#end === 0) return;
    const length = this.#end;
    this.#end = 0;
    this.#hot.submit(length, this.#isDirect);
  }

  #large(target: Target, cls: ClassIndex, payload: Uint8Array): void {
    this.flush();
    this.#hot.submitLarge(target.slot, target.generation, cls, payload);
  }

  /** Where a record of up to `size` bytes goes: in the open run if it fits the run, else in a new one. */
  #record(target: Target, cls: ClassIndex, size: number): number {
    const need = RECORD_HEADER + size;
    const joins = this.#run >= 0 && this.#target === target && this.#class === cls && this.#fits(need);
    if (joins) return this.#end;
    const isIdle = target.isIdle;
    this.#run = this.#open(SEND | (cls << CLASS_SHIFT), target, need);
    this.#isDirect = isIdle && this.#run === 0;
    this.#target = target;
    this.#class = cls;
    return this.#end;
  }

  /** Starts a run with room for `data` bytes; gives its first word. */
  #open(operation: number, target: Target, data: number): number {
    this.#closeRun();
    if (!this.#fits(RUN_HEADER + data)) this.flush();
    const run = this.#end / WORD;
    const words = this.#words;
    words[run] = operation;
    words[run + 1] = target.slot;
    words[run + 2] = target.generation;
    words[run + 3] = 0;
    this.#end += RUN_HEADER;
    if (!this.#isDispatching && !this.#isScheduled) {
      this.#isScheduled = true;
      // nextTick rather than a microtask: see the flusher of the TypeScript driver.
      process.nextTick(this.#onTick);
    }
    return run;
  }

  #closeRun(): void {
    const run = this.#run;
    if (run < 0) return;
    this.#words[run + 3] = this.#end - (run + RUN_WORDS) * WORD;
    // The next run starts at a whole word.
    this.#end = (this.#end + WORD - 1) & -WORD;
    this.#run = -1;
    this.#target = undefined;
  }

  #fits(bytes: number): boolean {
    return this.#end + bytes + WORD <= OUTBOX_BYTES;
  }

  readonly #onTick = (): void => {
    this.#isScheduled = false;
    this.flush();
  };
}
