/** An outgoing WebSocket: connecting, opening handshake, time limit and abort. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { onAbort } from '../../abort.js';
import { authorityOf } from '../../endpoint.js';
import { aborted, fromSystem, QWormholeError } from '../../errors/error.js';
import { headersOf } from '../headers.js';
import type { DialSpec, WebSocketDialSettings } from '../link.js';
import { connectTimeout } from '../fault.js';
import { lastOf, optionsOf } from './dial.js';
import { QWH_SUBPROTOCOL, withQwh } from '../qwh.js';
import { MAX_RECORD } from '../../qwh/index.js';
import { dialQwh } from './qwh-dial.js';
import { WsCarrier } from './qwh-carrier.js';
import type { QwhLink } from './qwh-link.js';
import { deflateOptions } from './ws-deflate.js';
import { resetSocket } from './reset.js';
import { dialTls, mayStillRefuse } from './tls-dial.js';
import { faultOfTlsHandshake } from './tls-faults.js';
import { faultOfHandshake, handshakeFault } from './ws-faults.js';
import { clientFrames } from './ws-framing.js';
import { WsLink } from './ws-link.js';
import { loadWs, type LinkedWebSocket, type WsPackage } from './ws-package.js';

/** So much of a refusal's body is kept, bytes, and waited for, ms. */
const MAX_BODY = 1024;
const BODY_MS = 1000;

/** Resolves with a link that is open. Rejects with a `QWormholeError`. */
export async function dialWs(
  spec: DialSpec,
  wished: WebSocketDialSettings,
  signal?: AbortSignal,
): Promise<WsLink | QwhLink> {
  const startedAt = performance.now();
  const settings = spec.qwh === undefined ? wished : asQwh(wished);
  const { LinkedWebSocket } = await loadWs();
  if (signal?.aborted) throw aborted(signal);
  const secured = spec.tls && (await dialTls(spec, spec.tls, signal));
  const ws = begin(LinkedWebSocket, spec, settings, secured);
  const timeoutMs = Math.max(1, spec.connectTimeoutMs - (performance.now() - startedAt));
  const opened = await new Dialling(ws, { spec, settings, secured, timeoutMs }).settled(signal);
  if (opened instanceof WsLink) return opened;
  return dialQwh(opened, spec, spec.qwh!, { startedAt, signal });
}

/** What carries records: their subprotocol before all others, and nothing compressed. */
function asQwh(settings: WebSocketDialSettings): WebSocketDialSettings {
  return { ...settings, subprotocols: withQwh(settings.subprotocols), deflate: false };
}

/** The call; throws a `QWormholeError`. */
function begin(
  Socket: WsPackage['LinkedWebSocket'],
  spec: DialSpec,
  settings: WebSocketDialSettings,
  secured: TLSSocket | undefined,
): LinkedWebSocket {
  try {
    return new Socket(
      // The socket is made here, unless there is an agent; a zone has no form in a URL.
      `ws://${authorityOf(spec.host.split('%', 1)[0], spec.port)}${settings.target}`,
      [...settings.subprotocols],
      requestOptions(spec, settings, secured),
    );
  } catch (error) {
    // An agent is the application's, and may throw whatever it likes.
    throw fromSystem(error, { during: 'connect', what: `${spec.host}:${spec.port}` });
  }
}

function requestOptions(
  spec: DialSpec,
  { agent, deflate, maxFragments, ...settings }: WebSocketDialSettings,
  secured: TLSSocket | undefined,
) {
  const { limits, qwh } = spec;
  return {
    headers: requestHeaders(settings),
    perMessageDeflate: deflateOptions(deflate),
    maxPayload: qwh === undefined ? limits.maxMessage : MAX_RECORD,
    maxFragments,
    autoPong: false,
    closeTimeout: limits.closeTimeoutMs + 1000,
    maxHeaderSize: settings.maxHeaderBytes,
    agent,
    createConnection: () => secured ?? connect(optionsOf(spec)),
    finishRequest: (request: ClientRequest) => {
      // The bytes are bounded, and the headers are counted when they are there.
      request.maxHeadersCount = 0;
      request.end();
    },
  };
}

/** The handshake's own headers are the package's. */
function requestHeaders({ authority, headers }: Pick<WebSocketDialSettings, 'authority' | 'headers'>) {
  const record: Record<string, string | string[]> = Object.create(null);
  for (let at = 0; at < headers.length; at += 2) {
    const [name, value] = [headers[at], headers[at + 1]];
    const before = record[name];
    record[name] = before === undefined ? value : [before, value].flat();
  }
  record.Host = authority;
  return record;
}

interface Attempt {
  readonly spec: DialSpec;
  readonly settings: WebSocketDialSettings;
  /** The socket, where it has TLS. */
  readonly secured: TLSSocket | undefined;
  readonly timeoutMs: number;
}

function wasRefused(secured: TLSSocket, { code }: NodeJS.ErrnoException): boolean {
  return (code === 'ECONNRESET' || code === 'EPIPE') && mayStillRefuse(secured);
}

/** One attempt. */
class Dialling {
  readonly #ws: LinkedWebSocket;
  readonly #spec: DialSpec;
  readonly #settings: WebSocketDialSettings;
  readonly #what: string;
  readonly #secured: TLSSocket | undefined;
  readonly #timeoutMs: number;
  #socket: Socket | undefined;
  #settle: ((outcome: WsLink | WsCarrier | QWormholeError) => void) | undefined;

  constructor(ws: LinkedWebSocket, { spec, settings, secured, timeoutMs }: Attempt) {
    this.#ws = ws;
    this.#secured = secured;
    this.#spec = spec;
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
    this.#what = `${spec.host}:${spec.port}`;
  }

  settled(signal: AbortSignal | undefined): Promise<WsLink | WsCarrier> {
    return new Promise((resolve, reject) => {
      const { connectTimeoutMs } = this.#spec;
      const timer = setTimeout(
        () => this.#fail(connectTimeout(this.#what, connectTimeoutMs)),
        this.#timeoutMs,
      );
      const stopListening = signal && onAbort(signal, () => this.#fail(aborted(signal)));
      this.#settle = (outcome) => {
        this.#settle = undefined;
        clearTimeout(timer);
        stopListening?.();
        if (outcome instanceof WsLink || outcome instanceof WsCarrier) resolve(outcome);
        else reject(outcome);
      };
      this.#listen();
    });
  }

  #listen(): void {
    const ws = this.#ws;
    ws.on('error', (error) => this.#fail(this.#faultOf(lastOf(error) as NodeJS.ErrnoException)));
    ws.on('unexpected-response', (_request, response) => void this.#refused(response));
    ws.on('upgrade', (response) => this.#onUpgrade(response));
    ws.on('open', () => this.#onOpen());
  }

  /** What comes before the 101 may still be the server's answer to our certificate. */
  #faultOf(error: NodeJS.ErrnoException): QWormholeError {
    const context = { during: 'connect', what: this.#what } as const;
    const secured = this.#secured;
    const isOfTls =
      error.code?.startsWith('ERR_SSL_') || (secured !== undefined && wasRefused(secured, error));
    return isOfTls ? faultOfTlsHandshake(error, context) : faultOfHandshake(error, context);
  }

  #onUpgrade({ socket, rawHeaders }: IncomingMessage): void {
    this.#socket = socket;
    const { maxHeaders } = this.#settings;
    if (rawHeaders.length / 2 <= maxHeaders) return;
    this.#fail(handshakeFault(this.#what, `the response has more than ${maxHeaders} headers`));
    socket.destroy();
  }

  #onOpen(): void {
    const socket = this.#socket!;
    const { limits, socket: socketSettings } = this.#spec;
    // The package turns it on.
    if (!socketSettings.noDelay) socket.setNoDelay(false);
    if (this.#spec.qwh !== undefined && this.#ws.protocol !== QWH_SUBPROTOCOL)
      return this.#fail(handshakeFault(this.#what, `it does not speak ${QWH_SUBPROTOCOL} there`));
    this.#ws.removeAllListeners();
    this.#settle?.(
      this.#spec.qwh === undefined
        ? new WsLink(this.#ws, socket, clientFrames, limits, this.#settings)
        : new WsCarrier(this.#ws, socket, this.#spec.qwh),
    );
  }

  /** The server answered with something else than 101. */
  async #refused(response: IncomingMessage): Promise<void> {
    const { statusCode: status = 0, rawHeaders } = response;
    // For those who wait, the abort of this attempt says more than the rest of the body.
    const body = await beginningOf(response);
    const message = `${this.#what} answered the opening handshake with ${status}`;
    const details = { status, headers: headersOf(rawHeaders), body };
    this.#fail(new QWormholeError('ERR_QW_UPGRADE_REFUSED', message, { details }));
  }

  #fail(error: QWormholeError): void {
    this.#settle?.(error);
    // Whatever it still says has been said.
    this.#ws.removeAllListeners().on('error', () => {});
    if (this.#secured === undefined) return this.#ws.terminate();
    // A server that is still deciding reads no end behind our request, but a reset it sees.
    resetSocket(this.#secured);
    setImmediate(() => this.#ws.terminate());
  }
}

/** What comes first of a body, in time. */
function beginningOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const done = (): void => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).subarray(0, MAX_BODY).toString());
    };
    const timer = setTimeout(done, BODY_MS);
    response.on('data', (chunk: Buffer) => {
      if (length < MAX_BODY) chunks.push(chunk);
      length += chunk.length;
      if (length >= MAX_BODY) done();
    });
    response.on('end', done).on('error', done).on('close', done);
  });
}
