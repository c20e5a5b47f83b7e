/** A listening socket whose connections begin with an opening handshake. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { TLSSocket } from 'node:tls';
import { fromSystem } from '../../errors/error.js';
import type { LinkListener, ListenerHandler, ListenSpec, WebSocketListenSettings } from '../link.js';
import { placeText } from '../place.js';
import { portOf } from './listener.js';
import type { TlsListenSettings } from '../tls.js';
import { resetSocket } from './reset.js';
import { TlsAcceptor } from './tls-acceptor.js';
import { faultOfSilentClient } from './tls-faults.js';
import { WsGate } from './ws-gate.js';
import { upgradeRequired } from './ws-request.js';

export class WsListener implements LinkListener {
  readonly host: string;
  readonly port: number;
  readonly #server: TcpServer;
  readonly #gate: WsGate;

  readonly #acceptor: TlsAcceptor | undefined;

  private constructor(server: TcpServer, gate: WsGate, acceptor: TlsAcceptor | undefined) {
    const { address, port } = server.address() as AddressInfo;
    this.host = address;
    this.port = port;
    this.#server = server;
    this.#gate = gate;
    this.#acceptor = acceptor;
  }

  /** Binds and listens. Rejects with a `QWormholeError`. */
  static async open(
    spec: ListenSpec,
    ws: WebSocketListenSettings,
    handler: ListenerHandler,
  ): Promise<WsListener> {
    const gate = new WsGate({ limits: spec.limits, socket: spec.socket, ws, qwh: spec.qwh }, handler);
    await gate.load();
    const http = httpServer(spec, gate, handler);
    // HTTP takes connections from others too: those whose TLS handshake is done.
    const acceptor =
      spec.tls &&
      new TlsAcceptor(spec.tls, handler, (socket) => {
        http.emit('connection', socket);
        socket.resume();
      });
    const server = acceptor === undefined ? http : tcpServer(spec, acceptor);
    const what = placeText(spec);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(fromSystem(error, { during: 'listen', what })));
      server.listen(portOf(spec), resolve);
    });
    server.removeAllListeners('error');
    const listener = new WsListener(server, gate, acceptor);
    const accepting = { during: 'accept', what: placeText(listener) } as const;
    server.on('error', (error) => handler.onError(fromSystem(error, accepting)));
    return listener;
  }

  updateTls(settings: TlsListenSettings): void {
    this.#acceptor?.update(settings);
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#acceptor?.close();
    this.#gate.close();
    // Its callback waits for all connections, but the port is free one turn of the loop later.
    await new Promise((resolve) => setImmediate(resolve));
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }
}

const TOO_LONG = { status: 431, body: 'The head of the request is too long.' };
const NO_HTTP = { status: 400, body: 'This is not HTTP.' };

/** What is below TLS. */
function tcpServer({ socket: { noDelay, keepAliveMs } }: ListenSpec, acceptor: TlsAcceptor): TcpServer {
  const options = { noDelay, keepAlive: keepAliveMs > 0, keepAliveInitialDelay: keepAliveMs };
  return createTcpServer(options, (socket) => acceptor.accept(socket));
}

/** An HTTP server that knows one thing only. Its own time limits are off: the gate has one for everything. */
function httpServer(
  { socket: { noDelay, keepAliveMs } }: ListenSpec,
  gate: WsGate,
  handler: ListenerHandler,
): Server {
  const server = createServer({
    maxHeaderSize: gate.spec.ws.maxHeaderBytes,
    headersTimeout: 0,
    requestTimeout: 0,
    noDelay,
    keepAlive: keepAliveMs > 0,
    keepAliveInitialDelay: keepAliveMs,
  });
  // The bytes are bounded, and the gate counts what they hold: the rest would be left out in silence.
  server.maxHeadersCount = 0;
  server.on('connection', (socket: Socket) => {
    if (!gate.begin(socket)) resetSocket(socket);
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    gate.tell(request.socket, upgradeRequired());
    refuseRequest(response);
  });
  server.on('upgrade', (request: IncomingMessage, socket, head) =>
    gate.take(request, socket as Socket, head),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const isTooLong = error.code === 'HPE_HEADER_OVERFLOW';
    if (isOfTls(socket as Socket)) tellOfTls(error, socket as Socket, handler);
    else if (error.code === 'ECONNRESET') socket.destroy();
    else if (isTooLong) gate.reject(socket as Socket, TOO_LONG);
    else gate.reject(socket as Socket, NO_HTTP);
  });
  return server;
}

/** Nothing of HTTP has come yet. */
function isOfTls(socket: Socket): boolean {
  return socket instanceof TLSSocket && socket.bytesRead === 0;
}

function tellOfTls(error: Error, socket: Socket, handler: ListenerHandler): void {
  const { remoteAddress = '', remotePort = 0 } = socket;
  const fault = faultOfSilentClient(error, { during: 'io', what: `${remoteAddress}:${remotePort}` });
  handler.onTlsError?.(fault, remoteAddress, remotePort);
  socket.destroy();
}

function refuseRequest(response: ServerResponse): void {
  const { status, body, headers = [] } = upgradeRequired();
  for (const line of headers) response.setHeader(...(line.split(': ', 2) as [string, string]));
  response.setHeader('Connection', 'upgrade, close');
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(body);
}
