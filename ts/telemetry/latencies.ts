/**
 * What the option `profiling` measures. Nothing here is touched without it: a connection that is measured has
 * other methods than those that are not (`Connection.measure`).
 */
import { environmentTurn } from '../link/turn.js';
import { Histogram, type HistogramStats } from './histogram.js';

/** Latencies of a server's connections together, or of a client. */
export interface LatencyStats {
  /**
   * From `send` until the kernel has taken all that was accepted so far. Sampled: one message at a time on each
   * connection, to a turn of the event loop.
   */
  readonly sendToKernel: HistogramStats;
  /**
   * From the moment when messages that came together reach JavaScript until the listener of each is called: the
   * listeners of those before it count, and decoding.
   */
  readonly receiveToHandler: HistogramStats;
}

/** The outbound half of a connection, as far as it is watched. */
export interface Outbound {
  /** Payload bytes accepted ever. */
  accepted(): number;
  /** Of these, not yet taken by the kernel. */
  buffered(): number;
  /** Another one after each reconnection, none in between. */
  link(): object | undefined;
}

interface Sample {
  readonly since: number;
  /** Over when so many bytes are taken. */
  readonly target: number;
  readonly link: object;
}

/** For so long a sample is looked at in every turn of the event loop; then it is a matter of milliseconds. */
const EAGER_MS = 5;
/** How often from then on, ms. */
const LAZY_MS = 1;

export class Latencies {
  readonly #send = new Histogram();
  readonly #receive = new Histogram();
  readonly #samples = new Map<Outbound, Sample>();
  #isWatching = false;
  /** When what is being delivered has come, ms; `undefined` between deliveries. */
  #arrivedAt: number | undefined;

  /** A message has come: with those that are delivered in the same turn, or with what has waited for its turn. */
  arrived(): void {
    if (this.#arrivedAt !== undefined) return;
    this.#arrivedAt = environmentTurn.behindSince ?? performance.now();
    process.nextTick(() => (this.#arrivedAt = undefined));
  }

  /** Its listener is to be called. */
  delivering(): void {
    if (this.#arrivedAt !== undefined) this.#receive.record(performance.now() - this.#arrivedAt);
  }

  /** A message was accepted. */
  accepted(outbound: Outbound): void {
    const link = outbound.link();
    if (link === undefined || this.#samples.has(outbound)) return;
    this.#samples.set(outbound, { since: performance.now(), target: outbound.accepted(), link });
    if (this.#isWatching) return;
    this.#isWatching = true;
    setImmediate(this.#look);
  }

  stats(): LatencyStats {
    return { sendToKernel: this.#send.stats(), receiveToHandler: this.#receive.stats() };
  }

  readonly #look = (): void => {
    const now = performance.now();
    let youngest = Infinity;
    for (const [outbound, { since, target, link }] of this.#samples) {
      const isGone = outbound.link() !== link;
      const isTaken = outbound.accepted() - outbound.buffered() >= target;
      if (isTaken && !isGone) this.#send.record(now - since);
      if (isTaken || isGone) this.#samples.delete(outbound);
      else youngest = Math.min(youngest, now - since);
    }
    this.#isWatching = this.#samples.size > 0;
    if (!this.#isWatching) return;
    if (youngest < EAGER_MS) setImmediate(this.#look);
    else setTimeout(this.#look, LAZY_MS).unref();
  };
}
