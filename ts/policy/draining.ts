/**
 * The end of many connections: spread over a time, and cut when another has passed. Peers of qwh are told at once,
 * each with its own moment of that time to come back at; the others are told one after the other, which spreads
 * their coming back too.
 */
import { CloseCode } from '../close-codes.js';

/** Peers that answer at once leave in order even when no time is granted, ms. */
const MIN_GRACE_MS = 250;

/** How often it is looked whose turn it is, ms. */
const STEP_MS = 10;

/** What the peers of a server that closes are told. */
export const GOING_AWAY = 'the server is going away';

/** What is ended. */
export interface Drainable {
  /** Its peer can be told when to come back. */
  readonly takesAdvice: boolean;
  /**
   * Ends it behind what is queued, with that advice, ms, where it is not 0; `takesRest` delivers what its peer sends
   * before it leaves too, where its protocol tells when that is.
   */
  dismiss(code: number, reason: string, retryAfterMs: number, takesRest: boolean): void;
  terminate(code: number, reason: string): void;
}

/** The one place where a peer is told to go: by a GOAWAY, or by 1012 over WebSocket. What is queued goes out before. */
function sayGoodbye(connection: Drainable, isGraceful: boolean, retryAfterMs = 0): void {
  connection.dismiss(CloseCode.shutdown, GOING_AWAY, retryAfterMs, isGraceful);
}

/** Evenly from the whole time; 0 would be no advice. */
function someMomentOf(spreadMs: number): number {
  return spreadMs === 0 ? 0 : Math.ceil((1 - Math.random()) * spreadMs);
}

export class Draining {
  readonly #connections: () => Iterable<Drainable>;
  readonly #onCut: () => void;
  #spreadMs = 0;
  #cutAt = Infinity;
  #cutTimer: NodeJS.Timeout | undefined;
  #stepTimer: NodeJS.Timeout | undefined;

  /**
   * @param connections Those that are still open.
   * @param onCut Nothing is waited for any more.
   */
  constructor(connections: () => Iterable<Drainable>, onCut: () => void) {
    this.#connections = connections;
    this.#onCut = onCut;
  }

  /** When somebody who comes now may come back, ms; 0 where nothing is spread. */
  moment(): number {
    return someMomentOf(this.#spreadMs);
  }

  /**
   * Closes the connections of this moment; who cannot be told when to come back is closed over `spreadMs`.
   * `isGraceful`: there is time for what they have sent.
   */
  start(spreadMs: number, isGraceful: boolean): void {
    this.#spreadMs = spreadMs;
    const queue: Drainable[] = [];
    for (const connection of this.#connections())
      if (connection.takesAdvice) sayGoodbye(connection, isGraceful, this.moment());
      else queue.push(connection);
    const total = queue.length;
    const began = performance.now();
    const step = (): void => {
      const share = spreadMs === 0 ? 1 : Math.min((performance.now() - began) / spreadMs, 1);
      const left = total - Math.ceil(total * share);
      while (queue.length > left) sayGoodbye(queue.pop()!, isGraceful);
      if (queue.length === 0) clearInterval(this.#stepTimer);
    };
    if (spreadMs > 0) this.#stepTimer = setInterval(step, STEP_MS);
    step();
  }

  /** Resets what is open after this time; an earlier moment asked for before stays. */
  cutAfter(gracefulMs: number): void {
    const delay = Math.max(gracefulMs, MIN_GRACE_MS);
    const at = performance.now() + delay;
    if (at >= this.#cutAt) return;
    this.#cutAt = at;
    clearTimeout(this.#cutTimer);
    this.#cutTimer = setTimeout(() => {
      clearInterval(this.#stepTimer);
      for (const connection of this.#connections()) connection.terminate(CloseCode.shutdown, GOING_AWAY);
      this.#onCut();
    }, delay);
  }

  /** Nothing is left to end. */
  stop(): void {
    clearTimeout(this.#cutTimer);
    clearInterval(this.#stepTimer);
  }
}
