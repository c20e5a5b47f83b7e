/** TLS sessions that clients can go on with: for each settings object a few servers, each with its newest ticket. */
import type { TlsDialSettings } from '../tls.js';

/** More servers than one client calls. */
const MAX_SERVERS = 64;

/** A session with what was judged when it began. */
export interface KeptSession {
  readonly session: Buffer;
  /** The chain as the server sent it: OpenSSL keeps no more than the first certificate. */
  readonly chain: readonly Buffer[];
}

export class TlsSessions {
  readonly #byServer = new Map<string, KeptSession>();

  /** A ticket is used once: whoever watches could recognize it (RFC 8446, appendix C.4). */
  take(server: string): KeptSession | undefined {
    const session = this.#byServer.get(server);
    this.#byServer.delete(server);
    return session;
  }

  put(server: string, session: KeptSession): void {
    this.#byServer.delete(server);
    this.#byServer.set(server, session);
    if (this.#byServer.size <= MAX_SERVERS) return;
    for (const oldest of this.#byServer.keys()) return void this.#byServer.delete(oldest);
  }
}

const bySettings = new WeakMap<TlsDialSettings, TlsSessions>();

/** Other settings may trust others: what they agreed on is not theirs to share. */
export function sessionsOf(settings: TlsDialSettings): TlsSessions {
  let sessions = bySettings.get(settings);
  if (sessions === undefined) bySettings.set(settings, (sessions = new TlsSessions()));
  return sessions;
}
