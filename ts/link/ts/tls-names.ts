/** Which identity a server shows for the name that a client calls. */
import type { SecureContext, TLSSocket } from 'node:tls';
import type { TlsIdentity, TlsListenSettings } from '../tls.js';
import { contextFor } from './tls-context.js';

type Done = (error: Error | null, context?: SecureContext) => void;

export class Names {
  readonly #settings: TlsListenSettings;
  readonly #onAsking: (socket: TLSSocket) => void;
  readonly #contexts = new WeakMap<TlsIdentity, SecureContext>();

  /** @param onAsking The owner is asked on behalf of this client. */
  constructor(settings: TlsListenSettings, onAsking: (socket: TLSSocket) => void) {
    this.#settings = settings;
    this.#onAsking = onAsking;
  }

  /** For `node:tls`, which calls it as a method of the socket. */
  get callback(): (this: TLSSocket, servername: string, done: Done) => void {
    const choose = (socket: TLSSocket, name: string, done: Done): void => this.#choose(socket, name, done);
    return function (servername, done) {
      choose(this, servername.toLowerCase(), done);
    };
  }

  #choose(socket: TLSSocket, name: string, done: Done): void {
    const { identities, identityFor } = this.#settings;
    const fit = identities.find(({ names }) => names.length === 0 || names.some((each) => fits(each, name)));
    if (fit !== undefined || identityFor === undefined)
      return done(null, this.#contextOf(fit ?? identities[0]));
    this.#onAsking(socket);
    void this.#ask(identityFor, name, done);
  }

  /** Whoever fails here fails for this connection alone. */
  async #ask(
    identityFor: NonNullable<TlsListenSettings['identityFor']>,
    name: string,
    done: Done,
  ): Promise<void> {
    let context: SecureContext;
    try {
      context = this.#contextOf((await identityFor(name)) ?? this.#settings.identities[0]);
    } catch (error) {
      return done(error as Error);
    }
    done(null, context);
  }

  #contextOf(identity: TlsIdentity): SecureContext {
    let context = this.#contexts.get(identity);
    if (context === undefined) this.#contexts.set(identity, (context = contextFor(this.#settings, identity)));
    return context;
  }
}

/** A star stands for one label, the whole of the first (RFC 9525, section 6.3). */
function fits(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot + 1) === pattern.slice(2);
}
