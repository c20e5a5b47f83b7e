/**
 * Ends what has nothing to say: connections on which no message was sent or received for a time.
 *
 * Nothing is done per message. A few times within the time the counters are looked at, so that it may take a
 * quarter longer.
 */
import { CloseCode } from '../close-codes.js';
import type { Traffic } from '../stats.js';

/** Looks within the time. */
const LOOKS = 4;

/** What is watched. */
export interface Idler {
  /** Payload bytes accepted and not yet taken by the kernel. */
  readonly bufferedAmount: number;
  /** Messages may wait to be received. */
  readonly isHeldUp: boolean;
  endLink(code: number, reason: string): void;
}

export class IdleWatch {
  readonly #idler: Idler;
  readonly #traffic: Traffic;
  readonly #timer: NodeJS.Timeout;
  #activity: number;
  #looks = 0;
  #isOver = false;

  constructor(idler: Idler, traffic: Traffic, idleTimeoutMs: number) {
    this.#idler = idler;
    this.#traffic = traffic;
    this.#activity = this.#count();
    this.#timer = setInterval(this.#look, Math.ceil(idleTimeoutMs / LOOKS)).unref();
  }

  stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  readonly #look = (): void => {
    if (!this.#isQuiet()) return;
    this.#looks += 1;
    // What came while this thread was busy is delivered before it comes to that.
    if (this.#looks >= LOOKS) setImmediate(this.#decide);
  };

  readonly #decide = (): void => {
    if (this.#isOver || !this.#isQuiet()) return;
    this.stop();
    this.#idler.endLink(CloseCode.idle, 'there was no message for too long');
  };

  /** Grows with everything that is sent or received. */
  #count(): number {
    const { messagesIn, messagesOut, bytesOut } = this.#traffic;
    return messagesIn + messagesOut + bytesOut - this.#idler.bufferedAmount;
  }

  #isQuiet(): boolean {
    const activity = this.#count();
    const isQuiet = activity === this.#activity && !this.#idler.isHeldUp;
    this.#activity = activity;
    if (!isQuiet) this.#looks = 0;
    return isQuiet;
  }
}
