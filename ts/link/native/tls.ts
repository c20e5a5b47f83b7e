/** TLS of the I/O side: settings on their way down, and the questions that come up from handshakes. */
import { QWormholeError } from '../../errors/error.js';
import { refusalOf } from '../fault.js';
import type { LinkInfo, ListenerHandler } from '../link.js';
import type { TlsDialSettings, TlsIdentity, TlsListenSettings, TlsPeer, TlsSettings } from '../tls.js';
import type {
  Fault,
  NativeClientBinding,
  NativeServerBinding,
  TlsClientWrapper,
  TlsIdentitySpec,
  TlsIdentityWrapper,
  TlsListenSpec,
  TlsServerWrapper,
  TlsSpec,
} from './binding.js';
import type { Exchange } from './exchange.js';
import { faultOf } from './faults.js';
import type { NativeLink } from './link.js';
import { type LinkName, Operation, type Outbox } from './outbox.js';

/** What is at fault is what the settings have. */
const CONFIGURING = { during: 'listen', what: 'TLS' } as const;

/** Who is asked: all that is kept of settings that were replaced. */
type TlsOwner = Pick<TlsListenSettings, 'judge' | 'identityFor'>;

/** The name that a client asks for, and the revision of the settings that its handshake is under. */
interface Greeted {
  readonly servername: string;
  readonly revision: number;
}

/** The TLS of one listener. */
export class ListenerTls {
  readonly wrapper: TlsServerWrapper;
  readonly #binding: NativeServerBinding;
  readonly #handler: ListenerHandler;
  /** Whom to ask about handshakes by the revision of the settings that they are under. */
  readonly #owners = new Map<number, TlsOwner>();
  /** The newest. */
  #revision = 0;
  #isClosed = false;
  /** Those that were named when asked for: a key is parsed once. */
  readonly #identities = new WeakMap<TlsIdentity, TlsIdentityWrapper>();

  /** @throws QWormholeError */
  constructor(binding: NativeServerBinding, settings: TlsListenSettings, handler: ListenerHandler) {
    this.#binding = binding;
    this.#handler = handler;
    this.wrapper = new binding.TlsServer(listenSpec(settings, 0));
    check(this.wrapper.fault());
    this.#owners.set(0, ownerOf(settings));
  }

  /** @throws QWormholeError and nothing changes. */
  update(settings: TlsListenSettings): void {
    const revision = this.#revision + 1;
    check(this.wrapper.update(listenSpec(settings, revision)));
    this.#revision = revision;
    this.#owners.set(revision, ownerOf(settings));
    const living = new Set(this.wrapper.revisions());
    for (const former of this.#owners.keys()) if (!living.has(former)) this.#owners.delete(former);
  }

  /** The listener is closed: nobody is let in any more, and nothing is told. */
  close(): void {
    this.#isClosed = true;
  }

  /** Whether there is somebody to ask; else the handshake is over, or is to be. */
  isAnswering(revision: number): boolean {
    return !this.#isClosed && this.#owners.has(revision);
  }

  /** A client asks for a name that no identity is for. */
  async onGreeted(exchange: Exchange, client: LinkName, { servername, revision }: Greeted): Promise<void> {
    try {
      const named = await this.#owners.get(revision)?.identityFor?.(servername);
      const identity = named && this.#identityOf(named);
      if (!exchange.isShakingHands(client)) return;
      if (identity === undefined) exchange.outbox.operation(Operation.allow, client);
      else exchange.core.show(client.slot, client.generation, identity);
    } catch (error) {
      exchange.refuse(client, failedFor(servername, error));
    }
  }

  /** A client has shaken hands. */
  async onSecured(exchange: Exchange, client: LinkName, peer: TlsPeer, revision: number): Promise<void> {
    try {
      await this.#owners.get(revision)?.judge?.(peer);
      if (exchange.isShakingHands(client)) exchange.outbox.operation(Operation.allow, client);
    } catch (error) {
      exchange.refuse(client, refusalOf(error));
    }
  }

  /** A client is not let in. */
  onError(error: QWormholeError, remoteAddress: string, remotePort: number): void {
    if (!this.#isClosed) this.#handler.onTlsError?.(error, remoteAddress, remotePort);
  }

  #identityOf(identity: TlsIdentity): TlsIdentityWrapper {
    const known = this.#identities.get(identity);
    if (known !== undefined) return known;
    const made = new this.#binding.TlsIdentity(identitySpec(identity, []));
    check(made.fault());
    this.#identities.set(identity, made);
    return made;
  }
}

/** The TLS of calls by their settings: sessions are resumed from one call to the next. */
const clients = new WeakMap<TlsDialSettings, TlsClientWrapper>();

/** @throws QWormholeError */
export function clientTls(
  binding: NativeClientBinding,
  settings: TlsDialSettings | undefined,
): TlsClientWrapper | undefined {
  if (settings === undefined) return undefined;
  const known = clients.get(settings);
  if (known !== undefined) return known;
  const { servername, verifyName, identity } = settings;
  const made = new binding.TlsClient({
    common: commonSpec(settings),
    servername,
    verifyName,
    identity: identity && identitySpec(identity, []),
  });
  check(made.fault());
  clients.set(settings, made);
  return made;
}

/** Has a call's owner judge the server. */
export function judging(link: NativeLink, settings: TlsSettings, outbox: Outbox): (info: LinkInfo) => void {
  return async ({ tls, remoteAddress, remotePort }) => {
    try {
      await settings.judge?.({ info: tls!, remoteAddress, remotePort });
      outbox.operation(Operation.allow, link);
    } catch (error) {
      if (link.call !== undefined) link.call.refusal = refusalOf(error);
      outbox.operation(Operation.deny, link);
    }
  };
}

function failedFor(servername: string, error: unknown): QWormholeError {
  if (error instanceof QWormholeError) return error;
  const message = `There is no certificate for ${servername}: the callback failed`;
  return new QWormholeError('ERR_QW_TLS_HANDSHAKE', message, { cause: error });
}

function check(fault: Fault | null | undefined): void {
  if (fault) throw faultOf(fault, CONFIGURING);
}

function ownerOf({ judge, identityFor }: TlsListenSettings): TlsOwner {
  return { judge, identityFor };
}

function listenSpec(settings: TlsListenSettings, revision: number): TlsListenSpec {
  const { identities, identityFor, requestCert, maxPendingHandshakes } = settings;
  return {
    common: commonSpec(settings),
    identities: identities.map((identity) => identitySpec(identity, identity.names)),
    asksIdentity: identityFor !== undefined,
    requestCert,
    maxPendingHandshakes,
    revision,
  };
}

function identitySpec({ chain, key }: TlsIdentity, names: readonly string[]): TlsIdentitySpec {
  return { names: [...names], chain: [...chain], key };
}

function commonSpec(settings: TlsSettings): TlsSpec {
  const { minVersion, maxVersion, alpn, ca, rejectUnauthorized, postQuantum, resumption } = settings;
  const { pins, revoked = [] } = settings;
  return {
    minVersion,
    maxVersion,
    alpn: [...alpn],
    ca: ca && [...ca],
    rejectUnauthorized,
    pins: pins && [...pins],
    revoked: [...revoked],
    postQuantum,
    resumption,
    handshakeTimeoutMs: settings.handshakeTimeoutMs,
    judges: settings.judge !== undefined,
  };
}
