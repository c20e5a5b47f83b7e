/**
 * TLS handshakes of a listener, from the TCP connection to the verdict: bounded in time and number.
 *
 * A client of TLS 1.3 believes that it is through before we have seen its certificate; what it can wait for
 * is the ticket that follows. So tickets wait for the verdict: `node:tls` holds back all it would write as
 * long as somebody is storing the new session. In TLS 1.2 with tickets there is nothing to hold: a client
 * that a promise of the judge refuses is through for a moment.
 */
import type { Socket } from 'node:net';
import { createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import { QWormholeError } from '../../errors/error.js';
import type { ListenerHandler } from '../link.js';
import type { TlsIdentity, TlsListenSettings } from '../tls.js';
import { Early } from './early.js';
import { resetSocket, socketBelow } from './reset.js';
import { contextFor, contextOptions, usable } from './tls-context.js';
import { certificateFault, faultOfTlsHandshake, tlsClosed, tlsTimeout } from './tls-faults.js';
import { tlsInfoOf } from './tls-info.js';
import { judge } from './tls-verdict.js';

/** Node has a time limit of its own, which must not come first, ms. */
const NEVER_MS = 2 ** 31 - 1;

/** A connection on its way. */
interface Handshake {
  readonly socket: Socket;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly timer: NodeJS.Timeout;
  /** The judge is being asked. */
  isJudged: boolean;
  /** Tickets that wait for the verdict. */
  readonly held: (() => void)[];
  /** What is received while the judge takes its time. */
  early?: Early;
}

export class TlsAcceptor {
  #settings: TlsListenSettings;
  #server: Server;
  readonly #handler: ListenerHandler;
  readonly #onSocket: (socket: TLSSocket) => void;
  readonly #pending = new Map<Socket, Handshake>();
  /** Whose handshake was done last: OpenSSL makes the tickets right after. */
  #latest: Handshake | undefined;

  /** @param onSocket Gets each socket that is accepted; nobody reads it yet. */
  constructor(settings: TlsListenSettings, handler: ListenerHandler, onSocket: (socket: TLSSocket) => void) {
    this.#handler = handler;
    this.#onSocket = onSocket;
    this.#settings = settings;
    this.#server = this.#serverFor(settings);
  }

  /** For new handshakes; what is under way ends as it began. */
  update(settings: TlsListenSettings): void {
    this.#server = this.#serverFor(settings);
    this.#settings = settings;
  }

  /** Takes a TCP connection. */
  accept(socket: Socket): void {
    // It may fail at any moment from now on.
    socket.on('error', () => {});
    const { handshakeTimeoutMs, maxPendingHandshakes } = this.#settings;
    if (this.#pending.size >= maxPendingHandshakes) return void socket.resetAndDestroy();
    const timer = setTimeout(() => this.#expire(handshake, handshakeTimeoutMs), handshakeTimeoutMs);
    const { remoteAddress = '', remotePort = 0 } = socket;
    const handshake: Handshake = { socket, remoteAddress, remotePort, timer, isJudged: false, held: [] };
    this.#pending.set(socket, handshake);
    // What was wrong is told in the same turn, if anything is known of it.
    socket.once('close', () => setImmediate(() => this.#left(handshake)));
    this.#server.emit('connection', socket);
  }

  /** Cuts what is under way. */
  close(): void {
    for (const handshake of this.#pending.values()) {
      this.#forget(handshake);
      resetSocket(handshake.socket);
    }
  }

  /** A server that does not listen: it only shakes hands. */
  #serverFor(settings: TlsListenSettings): Server {
    const { alpn, requestCert, rejectUnauthorized, identities, identityFor, judge: ask } = settings;
    const options = {
      ...contextOptions(settings, identities[0]),
      // With one certificate there is nothing to choose, and asking JavaScript has its price.
      ...((identities.length > 1 || identityFor !== undefined) && {
        SNICallback: new Names(settings).callback,
      }),
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
      requestCert,
      rejectUnauthorized,
      handshakeTimeout: NEVER_MS,
    };
    const server = usable(() => createServer(options));
    server.on('secureConnection', (socket) => this.#judge(socket, settings));
    server.on('tlsClientError', (error, socket) => this.#failed(error, socket));
    if (ask !== undefined) server.on('newSession', (_id, _data, done) => this.#hold(done));
    return server;
  }

  /** Sockets whose handshake is done by somebody who is not waited for any more are of no use. */
  #judge(socket: TLSSocket, settings: TlsListenSettings): void {
    socket.on('error', () => {});
    const handshake = this.#handshakeOf(socket);
    if (handshake === undefined) return void socket.destroy();
    this.#latest = handshake;
    handshake.isJudged = true;
    const { remoteAddress, remotePort } = handshake;
    judge(
      settings.judge,
      { info: tlsInfoOf(socket)!, remoteAddress, remotePort },
      {
        accept: () => this.#accepted(handshake, socket),
        refuse: (error) => this.#refused(handshake, error, () => socket.destroy()),
      },
    );
    if (this.#pending.has(handshake.socket)) handshake.early = new Early(socket, () => socket.destroy());
  }

  #accepted(handshake: Handshake, socket: TLSSocket): void {
    if (!this.#pending.has(handshake.socket)) return;
    this.#forget(handshake);
    // Until here an end of the client was its end of everything.
    socket.allowHalfOpen = true;
    for (const release of handshake.held.splice(0)) release();
    handshake.early?.stop();
    const early = handshake.early?.bytes() ?? Buffer.alloc(0);
    if (early.length > 0) socket.unshift(early);
    // OpenSSL may still be at work on the handshake: nothing may be written before the next turn.
    setImmediate(() => {
      if (!socket.destroyed) this.#onSocket(socket);
    });
  }

  #hold(release: () => void): void {
    const handshake = this.#latest;
    if (handshake?.isJudged) handshake.held.push(release);
    else release();
  }

  #failed(error: Error, socket: TLSSocket): void {
    const handshake = this.#handshakeOf(socket);
    if (handshake === undefined) return;
    const why = socket.authorizationError as unknown as string | undefined;
    const what = `${handshake.remoteAddress}:${handshake.remotePort}`;
    const fault = why ? certificateFault(why) : faultOfTlsHandshake(error, { during: 'io', what });
    this.#refused(handshake, fault, () => socket.destroy());
  }

  #left(handshake: Handshake): void {
    const what = `${handshake.remoteAddress}:${handshake.remotePort}`;
    this.#refused(handshake, tlsClosed(what), () => {});
  }

  #expire(handshake: Handshake, timeoutMs: number): void {
    const what = `${handshake.remoteAddress}:${handshake.remotePort}`;
    this.#refused(handshake, tlsTimeout(what, timeoutMs), () => resetSocket(handshake.socket));
  }

  #refused(handshake: Handshake, error: QWormholeError, end: () => void): void {
    if (!this.#pending.has(handshake.socket)) return;
    this.#forget(handshake);
    end();
    this.#handler.onTlsError?.(error, handshake.remoteAddress, handshake.remotePort);
  }

  #handshakeOf(socket: TLSSocket): Handshake | undefined {
    const below = socketBelow(socket);
    return below && this.#pending.get(below);
  }

  #forget(handshake: Handshake): void {
    clearTimeout(handshake.timer);
    handshake.isJudged = false;
    this.#pending.delete(handshake.socket);
    if (this.#latest === handshake && handshake.held.length === 0) this.#latest = undefined;
  }
}

/** Which identity is shown for a name. */
class Names {
  readonly #settings: TlsListenSettings;
  readonly #contexts = new WeakMap<TlsIdentity, SecureContext>();

  constructor(settings: TlsListenSettings) {
    this.#settings = settings;
  }

  readonly callback = (
    servername: string,
    done: (error: Error | null, context?: SecureContext) => void,
  ): void => {
    const name = servername.toLowerCase();
    const { identities, identityFor } = this.#settings;
    const fit = identities.find(({ names }) => names.length === 0 || names.some((each) => fits(each, name)));
    if (fit !== undefined || identityFor === undefined) done(null, this.#contextOf(fit ?? identities[0]));
    else void this.#ask(identityFor, servername, done);
  };

  /** Whoever fails here fails for this connection alone. */
  async #ask(
    identityFor: NonNullable<TlsListenSettings['identityFor']>,
    servername: string,
    done: (error: Error | null, context?: SecureContext) => void,
  ): Promise<void> {
    let context: SecureContext;
    try {
      context = this.#contextOf((await identityFor(servername)) ?? this.#settings.identities[0]);
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

/** A star stands for one label, the first (RFC 6125). */
function fits(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot + 1) === pattern.slice(2);
}
