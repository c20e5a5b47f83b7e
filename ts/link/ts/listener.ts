/** A listening socket. */
import { createServer, type AddressInfo, type ListenOptions, type Server, type Socket } from 'node:net';
import { fromSystem } from '../../errors/error.js';
import type { LinkListener, ListenerHandler, ListenSpec } from '../link.js';
import { TsLink } from './link.js';

export class TsListener implements LinkListener {
  readonly host: string;
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    const { address, port } = server.address() as AddressInfo;
    this.host = address;
    this.port = port;
    this.#server = server;
  }

  /** Binds and listens. Rejects with a `QWormholeError`. */
  static async open(spec: ListenSpec, handler: ListenerHandler): Promise<TsListener> {
    const { socket } = spec;
    const what = `${spec.host}:${spec.port}`;
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
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
      const link = new TsLink(accepted, spec.protocol, spec.limits);
      handler.onLink(link);
      link.start();
    });
    return new TsListener(server);
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    // Its callback waits for all connections, but the port is free one turn of the loop later.
    this.#server.close();
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
