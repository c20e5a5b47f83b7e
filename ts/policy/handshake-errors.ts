/** Peers that were not let in by the handshake of QWH/1: told of at a bounded rate, however many knock. */
import type { QWormholeError } from '../errors/error.js';
import { RateLimit } from './warnings.js';

/** Those of one kind are told of at most this often, ms. */
const INTERVAL_MS = 1000;

/** Codes that are told apart; what has a higher number shares one. */
const KINDS = 64;

export class HandshakeErrors {
  readonly #fire: (error: QWormholeError, address: string, port: number, suppressed: number) => void;
  /** By close code: at most `KINDS`. */
  readonly #limits = new Map<number, RateLimit>();

  constructor(fire: (error: QWormholeError, address: string, port: number, suppressed: number) => void) {
    this.#fire = fire;
  }

  tell(error: QWormholeError, address: string, port: number): void {
    const kind = Math.min(error.closeCode ?? 0, KINDS - 1);
    let limit = this.#limits.get(kind);
    if (limit === undefined) this.#limits.set(kind, (limit = new RateLimit(INTERVAL_MS)));
    limit.run((suppressed) => this.#fire(error, address, port, suppressed));
  }
}
