/**
 * Ends what has nothing to say: connections on which no message was sent or received for a time.
 *
 * Nothing is done per message. A few times within the time the counters are looked at, so that it may take a
 * quarter longer.
 */

/** Looks within the time. */
const LOOKS = 4;

/** What is watched. */
export interface Idler {
  /** Grows with everything that is sent or received. */
  readonly activity: number;
  /** Messages may wait to be received. */
  readonly isHeldUp: boolean;
  onIdle(): void;
}

export class IdleWatch {
  readonly #idler: Idler;
  readonly #timer: NodeJS.Timeout;
  #activity: number;
  #looks = 0;
  #isOver = false;

  constructor(idler: Idler, idleTimeoutMs: number) {
    this.#idler = idler;
    this.#activity = idler.activity;
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
    this.#idler.onIdle();
  };

  #isQuiet(): boolean {
    const { activity, isHeldUp } = this.#idler;
    const isQuiet = activity === this.#activity && !isHeldUp;
    this.#activity = activity;
    if (!isQuiet) this.#looks = 0;
    return isQuiet;
  }
}
