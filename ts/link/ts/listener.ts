/** A listening socket. */
import { createServer, type AddressInfo, type ListenOptions, type Server, type Socket } from 'node:net';
import { fromSystem } from '../../errors/error.js';
import type { LinkListener, ListenerHandler, ListenSpec } from '../link.js';
import type { TlsListenSettings } from '../tls.js';
import { TsLink } from './link.js';
import { TlsAcceptor } from './tls-acceptor.js';

export class TsListener implements LinkListener {
  readonly host: string;
  readonly port: number;
  readonly #server: Server;

  readonly #acceptor: TlsAcceptor | undefined;

  private constructor(server: Server, acceptor: TlsAcceptor | undefined) {
    const { address, port } = server.address() as AddressInfo;
    this.host = address;
    this.port = port;
    this.#server = server;
    this.#acceptor = acceptor;
  }

  /** Binds and listens. Rejects with a `QWormholeError`. */
  static async open(spec: ListenSpec, handler: ListenerHandler): Promise<TsListener> {
    const { socket } = spec;
    const what = `${spec.host}:${spec.port}`;
    const admit = (accepted: Socket): void => {
      const link = new TsLink(accepted, spec.protocol, spec.limits, true);
      handler.onLink(link);
      link.start();
    };
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
    server.on('error', (error) => handler.onError(fromSystem(error, { during: 'listen', what })));
    server.on('connection', (accepted: Socket) => {
      if (acceptor === undefined) admit(accepted);
      else acceptor.accept(accepted);
    });
    return new TsListener(server, acceptor);
  }

  updateTls(settings: TlsListenSettings): void {
    this.#acceptor?.update(settings);
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    // Its callback waits for all connections, but the port is free one turn of the loop later.
    this.#server.close();
    this.#acceptor?.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }
}

/** What `listen` takes. `reusePort` is set only where the runtime knows it: the options were checked against it. */
export function portOf({ host, port, backlog, ipv6Only, reusePort }: ListenSpec): ListenOptions {
  return { host, port, backlog, ipv6Only, ...(reusePort && { reusePort }) };
}
