/**
 * Whether a link's peer still lives: when to ask it, when to show that we do, and the verdict.
 *
 * Without socket and clock: times go in, acts come out. Any received byte is life. Whoever does not read
 * passes no verdict, since what it does not know may wait in its socket; it shows that it lives instead,
 * because it cannot see what it is asked either. And whoever was asleep itself gives its peer time anew:
 * in time that nobody attended nobody could have answered.
 */

/**
 * Least between two signs of life, whatever the peer would like, ms: control frames are bounded on its side
 * too, by default at 32 a second.
 */
const LEAST_SIGN_MS = 100;

/** Signs within the time after which a peer loses patience: one may be late, and one lost in a queue. */
const SIGNS_IN_TIME = 3;

/** How a peer is watched that says nothing. */
export interface Heartbeat {
  /** It is asked for a sign of life after this time without a byte of it, ms. */
  readonly intervalMs: number;
  /** It is held to be dead after this time, ms; more than `intervalMs`. */
  readonly timeoutMs: number;
}

/**
 * What is to be done: ask the peer for a sign of life; show ours; read what the kernel holds, all of it, and ask
 * again what is to be done; or hold the peer to be dead.
 */
export type Act = 'ping' | 'pong' | 'look' | 'dead';

/** One link's watch. All times are milliseconds of one clock that never goes back. */
export class Liveness {
  readonly #intervalMs: number | undefined;
  /** From the first question on, ms. */
  readonly #patienceMs: number;
  /** Between two signs of ours while we do not read, ms. */
  readonly #signMs: number;
  #heardAt: number;
  #saidAt: number;
  /** The first question without an answer, and the last. */
  #askedAt: number | undefined;
  #askedLastAt = 0;
  /** The last look was asked for then. */
  #lookingAt: number | undefined;
  #isReading = true;
  /** We did not read at some time since our last sign: what the peer has asked may wait unseen. */
  #wasDeaf = false;

  /**
   * A link that is read from `now` on. `peerTimeoutMs` is how long the peer bears our silence, where that is known.
   * One of both is set.
   */
  constructor(heartbeat: Heartbeat | undefined, peerTimeoutMs: number | undefined, now: number) {
    this.#intervalMs = heartbeat?.intervalMs;
    this.#patienceMs = heartbeat === undefined ? 0 : heartbeat.timeoutMs - heartbeat.intervalMs;
    const wanted =
      peerTimeoutMs === undefined
        ? Infinity
        : Math.max(Math.floor(peerTimeoutMs / SIGNS_IN_TIME), LEAST_SIGN_MS);
    this.#signMs = Math.min(heartbeat?.intervalMs ?? Infinity, wanted);
    this.#heardAt = this.#saidAt = now;
  }

  /** Something came. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#askedAt = this.#lookingAt = undefined;
  }

  /** Whether what comes is read. From when it is again, the peer has all its time. */
  setReading(isReading: boolean, now: number): void {
    if (isReading && !this.#isReading) this.heard(now);
    this.#isReading = isReading;
    if (!isReading) this.#wasDeaf = true;
  }

  /** What is to be done now; to be asked until it is nothing, at `due` or before. */
  onTime(now: number): Act | undefined {
    if (now >= this.#signDue()) {
      this.#wasDeaf = !this.#isReading;
      this.#saidAt = now;
      return 'pong';
    }
    const due = this.#watchDue();
    if (this.#intervalMs === undefined || now < due) return undefined;
    if (this.#askedAt === undefined) return this.#ask(now, now);
    if (now - due > this.#intervalMs / 2) {
      this.#lookingAt = undefined;
      return this.#ask(now, now);
    }
    if (this.#lookingAt !== undefined) return 'dead';
    if (now < this.#askedAt + this.#patienceMs) return this.#ask(this.#askedAt, now);
    this.#lookingAt = now;
    return 'look';
  }

  /** When there is something to be done, if nothing happens before; `Infinity` is never. */
  get due(): number {
    return Math.min(this.#signDue(), this.#watchDue());
  }

  #ask(first: number, last: number): Act {
    this.#askedAt = first;
    this.#askedLastAt = this.#saidAt = last;
    return 'ping';
  }

  #signDue(): number {
    return this.#wasDeaf ? this.#saidAt + this.#signMs : Infinity;
  }

  #watchDue(): number {
    if (this.#intervalMs === undefined || !this.#isReading) return Infinity;
    if (this.#lookingAt !== undefined) return this.#lookingAt;
    if (this.#askedAt === undefined) return this.#heardAt + this.#intervalMs;
    return Math.min(this.#askedLastAt + this.#intervalMs, this.#askedAt + this.#patienceMs);
  }
}
