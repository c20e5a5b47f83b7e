/**
 * TLS handshakes of a listener, from the TCP connection to the verdict: bounded in time and number.
 *
 * A client of TLS 1.3 believes that it is through before we have seen its certificate; what it can wait for
 * is the ticket that follows. So tickets wait for the verdict: `node:tls` holds back all it would write as
 * long as somebody is storing the new session. In TLS 1.2 with tickets there is nothing to hold: a client
 * that a promise of the judge refuses is through for a moment. What is refused at once hears nothing of it all:
 * the socket is destroyed before OpenSSL's last messages, a ticket among them, are written.
 */
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { QWormholeError } from '../../errors/error.js';
import type { ListenerHandler } from '../link.js';
import type { TlsListenSettings } from '../tls.js';
import { Early } from './early.js';
import { resetSocket, socketBelow } from './reset.js';
import { contextOptions, usable } from './tls-context.js';
import { certificateFault, crowdedOut, faultOfTlsHandshake, tlsClosed, tlsTimeout } from './tls-faults.js';
import { tlsInfoOf } from './tls-info.js';
import { Names } from './tls-names.js';
import { judge } from './tls-verdict.js';

/** Node has a time limit of its own, which must not come first, ms. */
const NEVER_MS = 2 ** 31 - 1;

/** A connection on its way. */
interface Handshake {
  readonly socket: Socket;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly timer: NodeJS.Timeout;
  /** The session, once the handshake is done and the judge is asked. */
  secured?: TLSSocket;
  /** Tickets that wait for the verdict; of one that is refused they are never sent. */
  readonly held: (() => void)[];
  /** What ended the session: an alert ends none, as far as `node:tls` is concerned. */
  lost?: Error;
  onLost?: (error: Error) => void;
  /** What is received while the judge takes its time. */
  early?: Early;
}

export class TlsAcceptor {
  #settings: TlsListenSettings;
  #server: Server;
  readonly #handler: ListenerHandler;
  readonly #onSocket: (socket: TLSSocket) => void;
  readonly #pending = new Map<Socket, Handshake>();
  /** Those of them that have not said yet what they want, in the order in which they came. */
  readonly #silent = new Set<Handshake>();
  /** Whose handshake was done last: OpenSSL makes the tickets of TLS 1.3 right after. */
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
    socket.on('error', ignore);
    const { handshakeTimeoutMs, maxPendingHandshakes } = this.#settings;
    const timer = setTimeout(() => this.#expire(handshake, handshakeTimeoutMs), handshakeTimeoutMs);
    const { remoteAddress = '', remotePort = 0 } = socket;
    const handshake: Handshake = { socket, remoteAddress, remotePort, timer, held: [] };
    this.#pending.set(socket, handshake);
    this.#silent.add(handshake);
    if (this.#pending.size > maxPendingHandshakes) this.#evict(maxPendingHandshakes);
    if (!this.#pending.has(socket)) return;
    // What was wrong is told in the same turn, if anything is known of it.
    socket.once('close', () => setImmediate(() => this.#left(handshake)));
    this.#server.emit('connection', socket);
  }

  /**
   * Cuts the handshake that has been silent the longest, which is the newcomer's where all others wait for our
   * owner: whoever opens connections and says nothing keeps nobody out.
   */
  #evict(most: number): void {
    const [eldest] = this.#silent;
    const what = `${eldest.remoteAddress}:${eldest.remotePort}`;
    this.#refused(eldest, crowdedOut(what, most), () => resetSocket(eldest.socket));
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
        SNICallback: new Names(settings, (socket) => this.#heard(socket)).callback,
      }),
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
      requestCert,
      rejectUnauthorized,
      handshakeTimeout: NEVER_MS,
    };
    const server = usable(() => createServer(options));
    server.on('secureConnection', (socket) => this.#judge(socket, settings));
    server.on('tlsClientError', (error, socket) => this.#failed(error, socket));
    if (ask !== undefined) server.on('newSession', (_id, session, done) => this.#hold(session, done));
    return server;
  }

  /** It has said what it wants, and keeps its place whoever comes. */
  #heard(socket: TLSSocket): void {
    const handshake = this.#handshakeOf(socket);
    if (handshake !== undefined) this.#silent.delete(handshake);
  }

  /** Sockets whose handshake is done by somebody who is not waited for any more are of no use. */
  #judge(socket: TLSSocket, settings: TlsListenSettings): void {
    const handshake = this.#handshakeOf(socket);
    if (handshake === undefined) return void socket.on('error', ignore).destroy();
    this.#silent.delete(handshake);
    socket.on('error', (handshake.onLost = (error) => (handshake.lost ??= error)));
    this.#latest = handshake;
    handshake.secured = socket;
    const info = tlsInfoOf(socket)!;
    const { remoteAddress, remotePort } = handshake;
    const refuse = (error: QWormholeError): void => this.#refused(handshake, error, () => socket.destroy());
    // Of a resumed session `node:tls` does not look at the certificate again.
    if (settings.rejectUnauthorized && info.authorizationError !== undefined)
      return refuse(info.authorizationError);
    judge(
      settings.judge,
      { info, remoteAddress, remotePort },
      {
        accept: () => this.#accepted(handshake, socket),
        refuse,
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
      socket.on('error', ignore).off('error', handshake.onLost!);
      if (!socket.destroyed && handshake.lost === undefined) return this.#onSocket(socket);
      socket.destroy();
      this.#tell(handshake, lossOf(handshake));
    });
  }

  /**
   * A session waits for the verdict on its own client, and on no other: those of TLS 1.2 without tickets are made
   * before the handshake is done, which would wait for them.
   */
  #hold(session: Buffer, release: () => void): void {
    const latest = this.#latest;
    if (latest?.secured?.getSession()?.equals(session)) latest.held.push(release);
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
    this.#refused(handshake, lossOf(handshake), () => {});
  }

  #expire(handshake: Handshake, timeoutMs: number): void {
    const what = `${handshake.remoteAddress}:${handshake.remotePort}`;
    this.#refused(handshake, tlsTimeout(what, timeoutMs), () => resetSocket(handshake.socket));
  }

  #refused(handshake: Handshake, error: QWormholeError, end: () => void): void {
    if (!this.#pending.has(handshake.socket)) return;
    this.#forget(handshake);
    end();
    this.#tell(handshake, error);
  }

  #tell({ remoteAddress, remotePort }: Handshake, error: QWormholeError): void {
    this.#handler.onTlsError?.(error, remoteAddress, remotePort);
  }

  #handshakeOf(socket: TLSSocket): Handshake | undefined {
    const below = socketBelow(socket);
    return below && this.#pending.get(below);
  }

  #forget(handshake: Handshake): void {
    clearTimeout(handshake.timer);
    this.#pending.delete(handshake.socket);
    this.#silent.delete(handshake);
    if (this.#latest === handshake) this.#latest = undefined;
  }
}

function ignore(): void {}

/** Why the client went: it may have said so. */
function lossOf({ lost, remoteAddress, remotePort }: Handshake): QWormholeError {
  const what = `${remoteAddress}:${remotePort}`;
  return lost === undefined ? tlsClosed(what) : faultOfTlsHandshake(lost, { during: 'io', what });
}
