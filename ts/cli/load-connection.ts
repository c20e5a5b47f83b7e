/** One connection of a load: a window of numbered messages on the way, each answered by its echo. */
import type { RecordableHistogram } from 'node:perf_hooks';
import type { QWormholeClient } from '../client.js';

/** What all connections of a load count together. */
export interface Tally {
  /** Round trips, ns. */
  readonly latency: RecordableHistogram;
  /** Right replies while it counts. */
  replies: number;
  /** Whether replies are counted: not while warming up. */
  isCounting: boolean;
  errors: number;
  /** What the first error was. */
  firstError: string | undefined;
}

/** Replies larger than this are numbered by their first four bytes; the number wraps. */
const NUMBER_BYTES = 4;
const NS_PER_MS = 1e6;

export class LoadConnection {
  readonly #client: QWormholeClient<'buffer' | 'text'>;
  readonly #tally: Tally;
  readonly #window: number;
  readonly #message: Buffer;
  /** When each message on the way was sent, by its number in the window. */
  readonly #sentAt: Float64Array;
  readonly #numberBytes: number;
  /** Numbers are counted modulo this. */
  readonly #numbers: number;
  #sent = 0;
  #received = 0;
  #hasRoom = true;
  #isSending = false;
  #isOver = false;
  #onIdle: (() => void) | undefined;

  constructor(client: QWormholeClient<'buffer' | 'text'>, tally: Tally, window: number, size: number) {
    this.#client = client;
    this.#tally = tally;
    this.#window = window;
    this.#message = Buffer.alloc(size, 0x51);
    this.#sentAt = new Float64Array(window);
    this.#numberBytes = Math.min(size, NUMBER_BYTES);
    this.#numbers = 256 ** this.#numberBytes;
    client.on('message', (reply) => this.#onReply(reply));
    client.on('drain', () => {
      this.#hasRoom = true;
      this.#fill();
    });
    client.on('error', ({ code, message }) => this.#fail(`${code}: ${message}`));
    client.on('close', (_code, reason) => this.#onClose(reason));
  }

  /** Begins to send. */
  start(): void {
    this.#isSending = true;
    this.#fill();
  }

  /** Sends no more; resolves when what is on the way has been answered, or never will be. */
  stop(): Promise<void> {
    this.#isSending = false;
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#checkIdle();
    });
  }

  /** Messages without an answer. */
  get outstanding(): number {
    return this.#sent - this.#received;
  }

  /** Whether the connection has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Closes the connection: from here on its end is no error. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#client.close();
  }

  #fill(): void {
    while (this.#isSending && this.#hasRoom && this.outstanding < this.#window && !this.#isOver) {
      if (this.#numberBytes > 0) {
        this.#message.writeUIntLE(this.#sent % this.#numbers, 0, this.#numberBytes);
      }
      this.#sentAt[this.#sent % this.#window] = performance.now();
      const result = this.#client.send(this.#message);
      if (result === 'dropped') {
        // Not sent, so its number is free; `drain` or a reply brings the next try.
        if (this.#client.state === 'open') this.#fail('a message was dropped');
        return;
      }
      this.#sent += 1;
      this.#hasRoom = result === 'sent';
    }
  }

  #onReply(reply: Buffer | string): void {
    const expected = this.#received % this.#numbers;
    const number = this.#numberBytes === 0 ? 0 : this.#numberOf(reply);
    if (reply.length !== this.#message.length || number !== expected) {
      this.#fail(
        `reply ${expected} of ${this.#message.length} bytes was expected, ${number} of ${reply.length} came`,
      );
    } else if (this.#tally.isCounting) {
      this.#tally.replies += 1;
      const ms = performance.now() - this.#sentAt[this.#received % this.#window];
      // The histogram begins at 1.
      this.#tally.latency.record(Math.max(1, Math.round(ms * NS_PER_MS)));
    }
    this.#received += 1;
    if (this.#isSending) this.#fill();
    else this.#checkIdle();
  }

  /** The number that a reply has; -1 for text, and for one that is too short to have one. */
  #numberOf(reply: Buffer | string): number {
    return typeof reply === 'string' || reply.length < this.#numberBytes
      ? -1
      : reply.readUIntLE(0, this.#numberBytes);
  }

  #onClose(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#fail(`a connection has ended${reason === '' ? '' : `: ${reason}`}`);
    this.#onIdle?.();
  }

  #checkIdle(): void {
    if (this.#isOver || this.outstanding <= 0) this.#onIdle?.();
  }

  #fail(text: string): void {
    this.#tally.errors += 1;
    this.#tally.firstError ??= text;
  }
}
