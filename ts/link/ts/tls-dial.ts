/**
 * A client's TLS handshake. Its end is not the end of it all: in TLS 1.3 the server sees the client's
 * certificate last, so a client that has nothing else to wait for waits for a first word of the server.
 */
import type { Socket } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { onAbort } from '../../abort.js';
import { aborted, type QWormholeError } from '../../errors/error.js';
import { connectTimeout } from '../fault.js';
import type { DialSpec } from '../link.js';
import type { TlsDialSettings } from '../tls.js';
import { dial } from './dial.js';
import { resetSocket } from './reset.js';
import { contextFor } from './tls-context.js';
import { faultOfTlsHandshake, tlsClosed, tlsTimeout } from './tls-faults.js';
import { tlsInfoOfServer } from './tls-info.js';
import { sessionsOf, type KeptSession } from './tls-sessions.js';
import { judge } from './tls-verdict.js';

/** How long a first word is waited for: servers without tickets may have none, ms. */
const GRACE_MS = 1000;

/** Those whose server has said something after its handshake. */
const heard = new WeakSet<Socket>();

/** Whether the server can still refuse the client's certificate without a word of TLS before. */
export function mayStillRefuse(socket: TLSSocket): boolean {
  return socket.getProtocol() !== 'TLSv1.2' && !heard.has(socket);
}

/** Resolves with a socket that nobody reads yet. Rejects with a `QWormholeError`. */
export async function dialTls(
  spec: DialSpec,
  tls: TlsDialSettings,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  const deadline = performance.now() + spec.connectTimeoutMs;
  // Whatever cannot be used is found before anybody is called.
  contextOf(tls);
  const socket = await dial(spec, signal);
  const left = Math.max(1, deadline - performance.now());
  return new Handshake(socket, spec, tls).settled(left, signal);
}

const contexts = new WeakMap<TlsDialSettings, SecureContext>();

/** One for all calls with the same settings: reading roots takes its time. */
function contextOf(tls: TlsDialSettings): SecureContext {
  let context = contexts.get(tls);
  if (context === undefined) contexts.set(tls, (context = contextFor(tls, tls.identity)));
  return context;
}

class Handshake {
  readonly #below: Socket;
  readonly #spec: DialSpec;
  readonly #tls: TlsDialSettings;
  readonly #what: string;
  readonly #socket: TLSSocket;
  /** The session that we offer to go on with. */
  readonly #offered: KeptSession | undefined;
  /** The newest that may be resumed. */
  #newest: Buffer | undefined;
  /** Set once the server is accepted: before that no session of it is kept. */
  #chain: readonly Buffer[] | undefined;
  /** Within the turn in which the handshake is done, the last message of it being unsent. */
  #isAtTheEnd = false;
  /** The server has said something. */
  #isConfirmed = false;
  #onConfirmed: (() => void) | undefined;
  #settle: ((outcome: TLSSocket | QWormholeError) => void) | undefined;

  constructor(below: Socket, spec: DialSpec, tls: TlsDialSettings) {
    this.#below = below;
    this.#spec = spec;
    this.#tls = tls;
    this.#what = `${spec.host}:${spec.port}`;
    below.on('error', () => {});
    this.#offered = tls.resumption ? sessionsOf(tls).take(this.#what) : undefined;
    this.#socket = connect(this.#options());
  }

  settled(leftMs: number, signal: AbortSignal | undefined): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const { handshakeTimeoutMs } = this.#tls;
      const expire = (): void => this.#fail(this.#late(leftMs));
      const timer = setTimeout(expire, Math.min(handshakeTimeoutMs, leftMs));
      const stopListening = signal && onAbort(signal, () => this.#fail(aborted(signal)));
      this.#settle = (outcome) => {
        this.#settle = undefined;
        clearTimeout(timer);
        stopListening?.();
        if ('code' in outcome) reject(outcome);
        else resolve(outcome);
      };
      this.#listen();
      if (signal?.aborted) this.#fail(aborted(signal));
    });
  }

  #options() {
    const { servername, alpn } = this.#tls;
    return {
      secureContext: contextOf(this.#tls),
      socket: this.#below,
      ...(servername !== '' && { servername }),
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
      // `node:tls` looks at no name where a session is resumed, and refuses by an end in order: both are ours.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      session: this.#offered?.session,
    };
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('error', this.#onError).on('end', this.#onEnd).on('close', this.#onGone);
    socket.once('secureConnect', () => this.#secured());
    socket.on('readable', this.#onReadable);
    socket.on('session', (session) => {
      this.#newest = session;
      this.#keep();
      this.#confirmed();
    });
  }

  /** Who was refused is never gone on with: a session knows nothing of the judge. */
  #keep(): void {
    if (!this.#tls.resumption || this.#newest === undefined || this.#chain === undefined) return;
    sessionsOf(this.#tls).put(this.#what, { session: this.#newest, chain: this.#chain });
  }

  /** A ticket, or data: the server takes us. The stream says `readable` also where there is nothing. */
  readonly #onReadable = (): void => {
    if (this.#socket.readableLength > 0) this.#confirmed();
  };

  #confirmed(): void {
    this.#isConfirmed = true;
    heard.add(this.#socket);
    // From a turn of its own: what is written while OpenSSL reads a ticket does not open at the other end.
    setImmediate(() => this.#onConfirmed?.());
  }

  readonly #onError = (error: Error): void =>
    this.#fail(faultOfTlsHandshake(error, { during: 'connect', what: this.#what }));

  /** A server that takes us may end at once. */
  readonly #onEnd = (): void => {
    if (this.#isConfirmed && this.#onConfirmed !== undefined) this.#succeed();
    else this.#fail(tlsClosed(this.#what));
  };

  readonly #onGone = (): void => this.#fail(tlsClosed(this.#what));

  #late(leftMs: number): QWormholeError {
    const { handshakeTimeoutMs } = this.#tls;
    if (handshakeTimeoutMs <= leftMs) return tlsTimeout(this.#what, handshakeTimeoutMs);
    return connectTimeout(this.#what, this.#spec.connectTimeoutMs);
  }

  #secured(): void {
    const { host: remoteAddress, port: remotePort } = this.#spec;
    const { rejectUnauthorized, verifyName: name } = this.#tls;
    const info = tlsInfoOfServer(this.#socket, { name, chain: this.#offered?.chain });
    // In a full handshake of TLS 1.2 the last message is the server's.
    this.#isAtTheEnd = info.protocol === 'TLSv1.3' || info.isResumed;
    if (rejectUnauthorized && info.authorizationError !== undefined) this.#refuse(info.authorizationError);
    else
      judge(
        this.#tls.judge,
        { info, remoteAddress, remotePort },
        {
          accept: () => this.#accepted(info.peerChain),
          refuse: (error) => this.#refuse(error),
        },
      );
    this.#isAtTheEnd = false;
  }

  #accepted(chain: readonly Buffer[]): void {
    if (this.#settle === undefined) return;
    this.#chain = chain;
    this.#keep();
    this.#await();
  }

  /** A WebSocket has its own first word, the 101; TLS 1.2 needs none. */
  #await(): void {
    const isThrough = this.#spec.ws !== undefined || this.#socket.getProtocol() !== 'TLSv1.3';
    if (isThrough) return this.#succeed();
    this.#afterFirstWord(() => this.#succeed());
  }

  #afterFirstWord(action: () => void): void {
    const act = (): void => {
      clearTimeout(timer);
      this.#onConfirmed = undefined;
      action();
    };
    const timer = setTimeout(act, GRACE_MS);
    this.#onConfirmed = act;
    if (this.#isConfirmed) setImmediate(act);
  }

  #succeed(): void {
    if (this.#settle === undefined) return;
    const socket = this.#socket;
    this.#onConfirmed = undefined;
    socket.off('end', this.#onEnd).off('close', this.#onGone).off('readable', this.#onReadable);
    this.#settle(socket);
    // Whoever gets it listens from the next turn on.
    setImmediate(() => socket.off('error', this.#onError).on('error', () => {}));
  }

  /**
   * `node:tls` can send no alert: the server sees a handshake that is not finished or, of a refusal that took its
   * time, a reset. In TLS 1.3 that waits for its first word: a server that is about to write would have its own
   * write fail in silence, and take the rest for an end in order.
   */
  #refuse(error: QWormholeError): void {
    if (this.#settle === undefined) return;
    this.#settle(error);
    const socket = this.#socket;
    const cut = (): void => resetSocket(socket);
    if (this.#isAtTheEnd) socket.destroy();
    else if (this.#isConfirmed || socket.getProtocol() !== 'TLSv1.3') cut();
    else this.#afterFirstWord(cut);
  }

  #fail(error: QWormholeError): void {
    if (this.#settle === undefined) return;
    this.#settle(error);
    resetSocket(this.#socket);
  }
}
