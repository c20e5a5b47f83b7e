/** Rates of a link: what it may send and receive, and the timer that ends a wait. */
import { nanoseconds, Throttle, type RateLimits } from '../rate.js';

const MILLISECOND = 1_000_000;

/** What Node reads at once: a smaller piece means that the socket is empty. */
export const CHUNK = 64 * 1024;

/** Least that is written at once: less is not worth a system call, and is paid back by a longer wait. */
const LEAST = 1024;

/** Queued pieces last about so long, s: what cannot be cut goes out in time. */
const PIECE_SECONDS = 0.01;
const MAX_PIECE = 64 * 1024;
/** What a message counts for where only messages are bounded. */
const PIECE_PER_MESSAGE = 64;

/** Calls back when something may pass again. */
class Pace {
  protected readonly throttle: Throttle;
  readonly #onReady: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: RateLimits, onReady: () => void) {
    this.throttle = new Throttle(limits);
    this.#onReady = onReady;
  }

  /** Nothing is waited for any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Something waits for its time. */
  get isHolding(): boolean {
    return this.#timer !== undefined;
  }

  /** Whether nothing may pass now; then it calls back when it may. */
  protected holds(now: number): boolean {
    if (this.throttle.passes(now)) return false;
    const wait = this.throttle.hold(now);
    this.#timer ??= setTimeout(this.#onTimer, Math.ceil(wait / MILLISECOND)).unref();
    return true;
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#onReady();
  };
}

/** What a link may send. */
export class Outlet extends Pace {
  /** Bytes of queued messages that should be one piece at most. */
  readonly piece: number;

  constructor(limits: RateLimits, onReady: () => void) {
    super(limits, onReady);
    const { bytes, messages } = limits;
    const perSecond = Math.min(
      bytes?.perSecond ?? Infinity,
      (messages?.perSecond ?? Infinity) * PIECE_PER_MESSAGE,
    );
    this.piece = Math.min(Math.max(Math.ceil(perSecond * PIECE_SECONDS), LEAST), MAX_PIECE);
  }

  /** Bytes that may be written now, of messages of about `mean` bytes; with 0 it calls back when it is more. */
  allowance(mean: number): number {
    const now = nanoseconds();
    return this.holds(now) ? 0 : Math.max(this.throttle.allowance(mean, now), LEAST);
  }

  /** Counts what was handed to the socket. */
  take(bytes: number, messages: number): void {
    this.throttle.take(bytes, messages, nanoseconds());
  }
}

/** What a link may receive. */
export class Intake extends Pace {
  readonly #isHard: boolean;
  /** When the socket was last known to be empty: what a late read finds has come since then. */
  #emptyAt = nanoseconds();
  /** When the last piece was read, where the link tells. */
  #arrivedAt: number | undefined;

  constructor(limits: RateLimits, onReady: () => void) {
    super(limits, onReady);
    this.#isHard = limits.isHard;
  }

  /** Whether the next message must wait; then it calls back when it need not. */
  holdsBack(): boolean {
    return !this.#isHard && this.holds(nanoseconds());
  }

  /** A piece was read: what is in it came no later, however long its messages take their handler. */
  arrived(): void {
    if (this.#isHard) this.#arrivedAt = nanoseconds();
  }

  /** Counts a message; false if it exceeds a hard bound. */
  admits(size: number): boolean {
    const now = this.#arrivedAt ?? nanoseconds();
    const isLate = this.#isHard && this.throttle.wait(size, now) > 0;
    this.throttle.take(size, 1, this.#isHard ? this.#emptyAt : now);
    return !isLate;
  }

  /** The socket has been read to its end, and everything is counted. */
  caughtUp(): void {
    this.#emptyAt = this.#arrivedAt ?? nanoseconds();
  }
}
