/**
 * Links that were opened only to be closed with a code that the client can read. No server counts them as
 * connections, so they are few at once and not there for long, whatever the clients do.
 */
import { DEAF } from '../link/deaf.js';
import type { Link } from '../link/link.js';

/** More at once are not needed: a client that reads is gone after one round trip. */
const MAX_LINKS = 256;

/** How long a client may take to read its code and to answer, ms: as long as one that is refused by a status. */
const PATIENCE_MS = 1000;

export class Farewells {
  /** In the order in which they came. */
  readonly #leaving = new Map<Link, NodeJS.Timeout>();
  readonly #onEmpty: () => void;

  /** @param onEmpty The last one has left. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  get isEmpty(): boolean {
    return this.#leaving.size === 0;
  }

  /**
   * Closes a link that has no handler yet, and has its client told when to come back, ms, where it is not 0; beyond the
   * bound the one that has had the most time is reset.
   */
  say(link: Link, code: number, reason: string, retryAfterMs = 0): void {
    if (this.#leaving.size >= MAX_LINKS) this.#cut(this.#leaving.keys().next().value!);
    const timer = setTimeout(() => this.#cut(link), PATIENCE_MS).unref();
    this.#leaving.set(link, timer);
    link.handler = { ...DEAF, onClose: () => this.#forget(link) };
    link.close(code, reason, retryAfterMs);
  }

  /** Nobody is waited for any more. */
  cutAll(): void {
    for (const link of this.#leaving.keys()) this.#cut(link);
  }

  #cut(link: Link): void {
    this.#forget(link);
    link.terminate(0, '');
  }

  #forget(link: Link): void {
    clearTimeout(this.#leaving.get(link));
    if (this.#leaving.delete(link) && this.isEmpty) this.#onEmpty();
  }
}
