/** TLS of the I/O side: settings on their way down, and the questions that come up from handshakes. */
import { QWormholeError } from '../../errors/error.js';
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

/** The TLS of one listener. */
export class ListenerTls {
  readonly wrapper: TlsServerWrapper;
  readonly #binding: NativeServerBinding;
  readonly #handler: ListenerHandler;
  #settings: TlsListenSettings;
  /** Those that were named when asked for: a key is parsed once. */
  readonly #identities = new WeakMap<TlsIdentity, TlsIdentityWrapper>();

  /** @throws QWormholeError */
  constructor(binding: NativeServerBinding, settings: TlsListenSettings, handler: ListenerHandler) {
    this.#binding = binding;
    this.#handler = handler;
    this.#settings = settings;
    this.wrapper = new binding.TlsServer(listenSpec(settings));
    check(this.wrapper.fault());
  }

  /** @throws QWormholeError and nothing changes. */
  update(settings: TlsListenSettings): void {
    check(this.wrapper.update(listenSpec(settings)));
    this.#settings = settings;
  }

  /** A client asks for a name that no identity is for. */
  async onGreeted(exchange: Exchange, client: LinkName, servername: string): Promise<void> {
    try {
      const named = await this.#settings.identityFor?.(servername);
      const identity = named && this.#identityOf(named);
      if (!exchange.isShakingHands(client)) return;
      if (identity === undefined) exchange.outbox.operation(Operation.allow, client);
      else exchange.core.show(client.slot, client.generation, identity);
    } catch (error) {
      exchange.refuse(client, failedFor(servername, error));
    }
  }

  /** A client has shaken hands. */
  async onSecured(exchange: Exchange, client: LinkName, peer: TlsPeer): Promise<void> {
    try {
      await this.#settings.judge?.(peer);
      if (exchange.isShakingHands(client)) exchange.outbox.operation(Operation.allow, client);
    } catch (error) {
      exchange.refuse(client, refusalOf(error));
    }
  }

  /** A client is not let in. */
  onError(error: QWormholeError, remoteAddress: string, remotePort: number): void {
    this.#handler.onTlsError?.(error, remoteAddress, remotePort);
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
      link.refusal = refusalOf(error);
      outbox.operation(Operation.deny, link);
    }
  };
}

/** What a peer is refused for. */
function refusalOf(error: unknown): QWormholeError {
  if (error instanceof QWormholeError) return error;
  return new QWormholeError('ERR_QW_TLS_REFUSED', undefined, { cause: error });
}

function failedFor(servername: string, error: unknown): QWormholeError {
  if (error instanceof QWormholeError) return error;
  const message = `There is no certificate for ${servername}: the callback failed`;
  return new QWormholeError('ERR_QW_TLS_HANDSHAKE', message, { cause: error });
}

function check(fault: Fault | null | undefined): void {
  if (fault) throw faultOf(fault, CONFIGURING);
}

function listenSpec(settings: TlsListenSettings): TlsListenSpec {
  const { identities, identityFor, requestCert, maxPendingHandshakes } = settings;
  return {
    common: commonSpec(settings),
    identities: identities.map((identity) => identitySpec(identity, identity.names)),
    asksIdentity: identityFor !== undefined,
    requestCert,
    maxPendingHandshakes,
  };
}

function identitySpec({ chain, key }: TlsIdentity, names: readonly string[]): TlsIdentitySpec {
  return { names: [...names], chain: [...chain], key };
}

function commonSpec(settings: TlsSettings): TlsSpec {
  const { minVersion, maxVersion, alpn, ca, rejectUnauthorized, postQuantum, resumption } = settings;
  return {
    minVersion,
    maxVersion,
    alpn: [...alpn],
    ca: ca && [...ca],
    rejectUnauthorized,
    postQuantum,
    resumption,
    handshakeTimeoutMs: settings.handshakeTimeoutMs,
    judges: settings.judge !== undefined,
  };
}
