/** Warnings that nobody asked for, and therefore few: `process.emitWarning`, at a bounded rate. */
import type { QWormholeError } from '../errors/error.js';
import { isFirstInProcess } from './once-per-process.js';

/** A warning of the same kind comes at most this often, ms. */
const INTERVAL_MS = 10_000;

/** Says something at most once per interval, and then how often it would have been said. */
export class RateLimit {
  readonly #intervalMs: number;
  #quietUntil = -Infinity;
  #suppressed = 0;

  constructor(intervalMs = INTERVAL_MS) {
    this.#intervalMs = intervalMs;
  }

  /** Calls `say` with the number of times it was not called since the last time, unless it is too early. */
  run(say: (suppressed: number) => void, now = performance.now()): void {
    if (now < this.#quietUntil) {
      this.#suppressed += 1;
      return;
    }
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    this.#quietUntil = now + this.#intervalMs;
    say(suppressed);
  }
}

const byCode = new Map<string, RateLimit>();

/** An error that has no listener anywhere: said at most once per interval for each code. */
export function warnUnheard(error: QWormholeError): void {
  let limit = byCode.get(error.code);
  // The codes are a fixed table, so the map is bounded.
  if (limit === undefined) byCode.set(error.code, (limit = new RateLimit()));
  limit.run((suppressed) => {
    const more = suppressed === 0 ? '' : ` (and ${suppressed} more like it)`;
    process.emitWarning(
      `${error.message}${more} Listen for 'error' to handle it.`,
      'QWormholeWarning',
      error.code,
    );
  });
}

/** A listener that other machines can reach without TLS: said once per process. */
export function warnPublicBind(address: string): void {
  if (!isFirstInProcess('public-bind')) return;
  process.emitWarning(
    `${address} can be reached from other machines and is not encrypted: put TLS or a VPN in front of it, or bind to 127.0.0.1.`,
    'QWormholeWarning',
    'QW_PUBLIC_BIND',
  );
}
