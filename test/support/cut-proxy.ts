/**
 * A relay whose ways can be cut without either end hearing of it, as a network does that drops packets: what comes
 * is taken and forgotten.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { cleanUp } from './scene.js';
import { next } from './wait.js';

/** From the client to the server, or back. */
export type Way = 'up' | 'down';

export class CutProxy {
  readonly cut: Record<Way, boolean> = { up: false, down: false };
  /** The server's URL, by way of the proxy. */
  url = '';
  readonly #sockets = new Set<Socket>();

  /** In front of the server at `url`; it is gone at the end of the test. */
  static async before(url: string): Promise<CutProxy> {
    const proxy = new CutProxy();
    const target = new URL(url);
    const { hostname: host, port } = target;
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const up = connect({ host, port: Number(port), allowHalfOpen: true });
      proxy.#relay(client, up, 'up');
      proxy.#relay(up, client, 'down');
    });
    server.listen(0, '127.0.0.1');
    await next(server, 'listening');
    cleanUp(() => {
      for (const socket of proxy.#sockets) socket.destroy();
      server.close();
    });
    target.port = String((server.address() as AddressInfo).port);
    proxy.url = target.href;
    return proxy;
  }

  #relay(from: Socket, to: Socket, way: Way): void {
    this.#sockets.add(from);
    from.setNoDelay();
    from.on('error', () => {});
    from.on('data', (chunk: Buffer) => {
      if (this.cut[way]) return;
      if (to.write(chunk)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.on('end', () => {
      if (!this.cut[way]) to.end();
    });
    from.on('close', () => {
      this.#sockets.delete(from);
      if (!this.cut[way]) to.destroy();
    });
  }
}
