/** TLS over a server's life: new certificates, files that change, certificates that age, handshakes that fail. */
import { QWormholeError, type ErrorCode } from '../errors/error.js';
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
  /** How often the settings were replaced, by `updateTls` or from files. */
  readonly updates: number;
}

/** The server, as its TLS needs it. */
export interface TlsHost {
  /** New handshakes begin with these. */
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
    this.#tls.update(options);
    this.#changed();
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
      updates: this.#updates,
    };
  }

  #watchFiles(): void {
    this.#watch = new FileWatch(this.#tls.paths, {
      reload: () => {
        this.#tls.reload();
        this.#changed();
      },
      failed: (cause) => this.#host.report(asError(cause)),
    });
  }

  #changed(): void {
    this.#updates += 1;
    this.#host.use(this.#tls.settings);
  }
}

function asError(cause: unknown): QWormholeError {
  if (cause instanceof QWormholeError) return cause;
  return new QWormholeError('ERR_QW_TLS_CONFIG', 'The files of certificates cannot be watched', { cause });
}
