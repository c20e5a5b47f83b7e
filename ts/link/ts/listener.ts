/** A listening socket. */
import { createServer, type AddressInfo, type ListenOptions, type Server, type Socket } from 'node:net';
import { fromSystem } from '../../errors/error.js';
import type { LinkListener, ListenerHandler, ListenSpec } from '../link.js';
import { carrierOf } from '../carriers.js';
import { isPath, placeText } from '../place.js';
import type { TlsListenSettings } from '../tls.js';
import { TsLink } from './link.js';
import { QwhGate } from './qwh-gate.js';
import { TlsAcceptor } from './tls-acceptor.js';

export class TsListener implements LinkListener {
  readonly host: string;
  readonly port: number;
  readonly #server: Server;

  readonly #acceptor: TlsAcceptor | undefined;
  readonly #gate: QwhGate | undefined;

  private constructor(server: Server, acceptor: TlsAcceptor | undefined, gate: QwhGate | undefined) {
    const at = server.address() as AddressInfo | string;
    this.host = typeof at === 'string' ? at : at.address;
    this.port = typeof at === 'string' ? 0 : at.port;
    this.#server = server;
    this.#acceptor = acceptor;
    this.#gate = gate;
  }

  /** Binds and listens. Rejects with a `QWormholeError`. */
  static async open(spec: ListenSpec, handler: ListenerHandler): Promise<TsListener> {
    const { socket } = spec;
    const what = placeText(spec);
    const gate = spec.qwh && new QwhGate(spec.qwh, spec.limits);
    const admit = admissionOf(spec, handler, gate);
    // What cannot be used is found before the port is taken.
    const acceptor = spec.tls && new TlsAcceptor(spec.tls, handler, admit);
    const server = createServer({
      // With TLS that begins after the handshake, which must be read.
      allowHalfOpen: spec.tls === undefined,
      pauseOnConnect: spec.tls === undefined,
      noDelay: socket.noDelay,
      keepAlive: socket.keepAliveMs > 0,
      keepAliveInitialDelay: socket.keepAliveMs,
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(fromSystem(error, { during: 'listen', what })));
      server.listen(portOf(spec), resolve);
    });
    server.removeAllListeners('error');
    const listener = new TsListener(server, acceptor, gate);
    const accepting = { during: 'accept', what: placeText(listener) } as const;
    server.on('error', (error) => handler.onError(fromSystem(error, accepting)));
    server.on('connection', (accepted: Socket) => {
      if (acceptor === undefined) admit(accepted);
      else acceptor.accept(accepted);
    });
    return listener;
  }

  updateTls(settings: TlsListenSettings): void {
    this.#acceptor?.update(settings);
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    // Its callback waits for all connections, but the port is free one turn of the loop later.
    this.#server.close();
    this.#acceptor?.close();
    this.#gate?.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }
}

/** What becomes of a connection, once TLS is up where there is some. */
function admissionOf(
  spec: ListenSpec,
  handler: ListenerHandler,
  gate: QwhGate | undefined,
): (socket: Socket) => void {
  const { protocol, limits } = spec;
  const carrier = carrierOf(spec);
  const admit = (socket: Socket): void => {
    const spoken = protocol === 'qwh' ? 'length-prefixed' : protocol;
    const link = new TsLink(socket, spoken, limits, { carrier, isAccepted: true });
    handler.onLink(link);
    link.start();
  };
  if (gate === undefined) return admit;
  const gateHandler = {
    onLink: handler.onLink,
    onOther: admit,
    onError: (...failure: Parameters<NonNullable<ListenerHandler['onHandshakeError']>>) =>
      handler.onHandshakeError?.(...failure),
    onTlsError: (...failure: Parameters<NonNullable<ListenerHandler['onTlsError']>>) =>
      handler.onTlsError?.(...failure),
  };
  return (socket) => gate.take(socket, carrier, gateHandler);
}

/** What `listen` takes. `reusePort` is set only where the runtime knows it: the options were checked against it. */
export function portOf({ host, port, backlog, ipv6Only, reusePort }: ListenSpec): ListenOptions {
  if (isPath(host)) return { path: host, backlog };
  return { host, port, backlog, ipv6Only, ...(reusePort && { reusePort }) };
}
