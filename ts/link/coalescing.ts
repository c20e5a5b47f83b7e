/**
 * Whether small messages to one peer are worth waiting for one another: where they flow in a stream, hand-over after
 * hand-over, and the peer answers nothing. Whoever waits for an answer sends the next message after it, so that a lone
 * message, and each of a conversation, goes at once.
 */

/** The values. */
export interface CoalescingValues {
  /** How long messages of a stream wait for one another, ms. */
  readonly intervalMs: number;
  /** It is one after so many hand-overs, each soon after the one before and nothing received between them. */
  readonly after: number;
  /** What soon is, ms. */
  readonly soonMs: number;
}

/** With so much queued nothing is gained by waiting for more, bytes: a full record of QWH/1. */
export const ENOUGH = 16 * 1024;

/** Whose messages they are. */
export interface Sender {
  /** A new one, where how long messages wait depends on their flow. */
  coalescing(): Coalescing | undefined;
}

/** Timers are as late as this, ms. */
const TIMER_MS = 1;

export class Coalescing {
  /** Streams begun, of this environment. */
  static streams = 0;
  readonly #values: CoalescingValues;
  readonly #received: () => number;
  readonly #now: () => number;
  #handOvers = 0;
  #lastAt = -Infinity;
  #lastReceived = 0;

  /** @param received Messages received from the peer so far. */
  constructor(values: CoalescingValues, received: () => number, now = () => performance.now()) {
    this.#values = values;
    this.#received = received;
    this.#now = now;
  }

  /** The peer has sent something since: whoever waits for an answer waits for what is handed over now. */
  get isAnswered(): boolean {
    return this.#received() !== this.#lastReceived;
  }

  /** Something is to be handed over: how long it may wait for more, ms. */
  interval(): number {
    const received = this.#received();
    if (received !== this.#lastReceived) {
      this.#lastReceived = received;
      this.#handOvers = 0;
      this.#lastAt = -Infinity;
      return 0;
    }
    const { intervalMs, after, soonMs } = this.#values;
    const isStream = this.#handOvers >= after;
    const soon = isStream ? soonMs + intervalMs + TIMER_MS : soonMs;
    const now = this.#now();
    if (now - this.#lastAt > soon) this.#handOvers = 0;
    else if (!isStream && ++this.#handOvers === after) Coalescing.streams += 1;
    this.#lastAt = now;
    return this.#handOvers >= after ? intervalMs : 0;
  }
}
