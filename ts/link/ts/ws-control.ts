/**
 * Control frames of one connection: how many may come, and the answers to pings. To a peer that does not
 * read its pongs only the last one is kept, as the protocol allows: they never pile up.
 */
import type { WebSocketSettings } from '../link.js';

/** Sends a pong and says when the kernel has it. */
export type SendPong = (payload: Buffer, done: () => void) => void;

export class Control {
  readonly #burst: number;
  readonly #perMs: number;
  readonly #sendPong: SendPong;
  #tokens: number;
  #countedAt = performance.now();
  /** Pongs that the kernel has not taken. */
  #unsent = 0;
  #next: Buffer | undefined;

  constructor(
    { controlBurst, controlPerSecond }: Pick<WebSocketSettings, 'controlBurst' | 'controlPerSecond'>,
    sendPong: SendPong,
  ) {
    this.#burst = this.#tokens = controlBurst;
    this.#perMs = controlPerSecond / 1000;
    this.#sendPong = sendPong;
  }

  /** A control frame has come; false if it is one too many. */
  admit(now = performance.now()): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#countedAt) * this.#perMs);
    this.#countedAt = now;
    this.#tokens -= 1;
    return this.#tokens >= 0;
  }

  /** Answers a ping. */
  answer(payload: Buffer): void {
    if (this.#unsent >= this.#burst) {
      this.#next = payload;
      return;
    }
    this.#unsent += 1;
    this.#sendPong(payload, this.#onSent);
  }

  readonly #onSent = (): void => {
    this.#unsent -= 1;
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) this.answer(next);
  };
}
