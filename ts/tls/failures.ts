/** TLS handshakes that came to nothing: all are counted, and told of at a bounded rate. */
import { QWormholeError, type ErrorCode } from '../errors/error.js';
import { RateLimit } from '../policy/warnings.js';

/** Failures with the same code are told of at most this often, ms. */
const INTERVAL_MS = 1000;

/** Tells of one, with how many like it were not told of. */
type Tell = (error: QWormholeError, remoteAddress: string, remotePort: number, suppressed: number) => void;

export class TlsFailures {
  readonly #counts = new Map<ErrorCode, number>();
  readonly #limits = new Map<ErrorCode, RateLimit>();
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  add(error: QWormholeError, remoteAddress: string, remotePort: number): void {
    const { code } = error;
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    let limit = this.#limits.get(code);
    // The codes are a fixed table, so the maps are bounded.
    if (limit === undefined) this.#limits.set(code, (limit = new RateLimit(INTERVAL_MS)));
    limit.run((suppressed) => this.#tell(error, remoteAddress, remotePort, suppressed));
  }

  /** By code. */
  get counts(): Readonly<Partial<Record<ErrorCode, number>>> {
    return Object.fromEntries(this.#counts);
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }
}
