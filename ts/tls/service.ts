/** TLS over a server's life: new certificates, files that change, certificates that age, handshakes that fail. */
import { QWormholeError, type ErrorCode } from '../errors/error.js';
import { groupsFor } from '../link/post-quantum.js';
import type { TlsListenSettings } from '../link/tls.js';
import type { CertificateStats } from './expiry.js';
import { TlsFailures } from './failures.js';
import type { ServerTls } from './server-tls.js';
import { FileWatch } from './watch.js';

/** How often it is looked whether certificates end soon, ms. */
const EXPIRY_INTERVAL_MS = 12 * 3600 * 1000;

/** Counters of a server's TLS. */
export interface TlsStats {
  /** Certificates that are shown to clients now. */
  readonly certificates: readonly CertificateStats[];
  /** When the first of them ends. */
  readonly expiresAt: Date;
  /** Handshakes that came to nothing. */
  readonly handshakesFailed: number;
  /** The same by error code. */
  readonly failures: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Key exchanges that are offered; X25519MLKEM768 is missing where the runtime does not have it. */
  readonly groups: readonly string[];
  /** How often the settings were replaced, by `updateTls` or from files. */
  readonly updates: number;
}

/** The server, as its TLS needs it. */
export interface TlsHost {
  /** Which backend it is on now. */
  mode(): 'native' | 'ts';
  /** New handshakes begin with these, or none does: what a backend does not take throws. */
  use(settings: TlsListenSettings): void;
  report(error: QWormholeError): void;
  handshakeFailed(error: QWormholeError, remoteAddress: string, remotePort: number, suppressed: number): void;
}

export class TlsService {
  readonly #tls: ServerTls;
  readonly #host: TlsHost;
  readonly #failures: TlsFailures;
  #watch: FileWatch | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;
  #updates = 0;

  constructor(tls: ServerTls, host: TlsHost) {
    this.#tls = tls;
    this.#host = host;
    this.#failures = new TlsFailures((...failure) => host.handshakeFailed(...failure));
  }

  get settings(): TlsListenSettings {
    return this.#tls.settings;
  }

  /** The server listens. */
  start(): void {
    this.stop();
    this.#expiryTimer = setInterval(() => this.#tls.warnExpiry(), EXPIRY_INTERVAL_MS).unref();
    if (this.#tls.isWatching) this.#watchFiles();
  }

  stop(): void {
    clearInterval(this.#expiryTimer);
    this.#watch?.close();
    this.#watch = undefined;
  }

  /** Replaces what is given and keeps the rest; throws, and keeps everything, where that cannot be used. */
  update(options: unknown): void {
    this.#tls.update(options, (settings) => this.#host.use(settings));
    this.#updates += 1;
    // The files may be others now, and be watched or not.
    if (this.#expiryTimer !== undefined) this.start();
  }

  handshakeFailed(error: QWormholeError, remoteAddress: string, remotePort: number): void {
    this.#failures.add(error, remoteAddress, remotePort);
  }

  stats(): TlsStats {
    const { certificates } = this.#tls;
    const ends = certificates.map(({ validTo }) => validTo.getTime());
    return {
      certificates,
      expiresAt: new Date(Math.min(...ends)),
      handshakesFailed: this.#failures.total,
      failures: this.#failures.counts,
      groups: groupsFor(this.settings.postQuantum, this.#host.mode()),
      updates: this.#updates,
    };
  }

  #watchFiles(): void {
    this.#watch = new FileWatch(this.#tls.files, {
      reload: () => {
        this.#tls.reload((settings) => this.#host.use(settings));
        this.#updates += 1;
      },
      failed: (cause) => this.#host.report(asError(cause)),
    });
  }
}

function asError(cause: unknown): QWormholeError {
  if (cause instanceof QWormholeError) return cause;
  return new QWormholeError('ERR_QW_TLS_CONFIG', 'The files of certificates cannot be watched', { cause });
}
