/**
 * WebSockets of HTTP servers that others listen with. What concerns none of those who are attached is left to
 * the server's other listeners; where there are none it is answered as such a server would be expected to.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { AttachSpec, LinkListener, ListenerHandler } from '../link.js';
import { WsGate } from './ws-gate.js';
import { refuseSocket } from './ws-refusal.js';

/** Everybody who is attached to one server: one listener serves them all. */
class Doorway {
  readonly points = new Set<WsAttachment>();
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    for (const point of this.points) {
      if (point.concerns(request)) return point.take(request, socket, head);
    }
    if (this.#server.listenerCount('upgrade') > 1) return;
    socket.on('error', () => {});
    refuseSocket(socket, { status: 404, body: 'There is no WebSocket at this path.' });
  };

  add(point: WsAttachment): void {
    if (this.points.size === 0) this.#server.on('upgrade', this.#onUpgrade as never);
    this.points.add(point);
  }

  remove(point: WsAttachment): void {
    this.points.delete(point);
    if (this.points.size === 0) this.#server.off('upgrade', this.#onUpgrade as never);
  }
}

const doorways = new WeakMap<Server, Doorway>();

export class WsAttachment implements LinkListener {
  readonly #server: Server;
  readonly #doorway: Doorway;
  readonly #spec: AttachSpec;
  readonly #gate: WsGate;

  constructor(server: Server, spec: AttachSpec, handler: ListenerHandler) {
    this.#server = server;
    this.#spec = spec;
    this.#gate = new WsGate(spec, handler);
    this.#doorway = doorways.get(server) ?? new Doorway(server);
    doorways.set(server, this.#doorway);
    this.#doorway.add(this);
  }

  /** That of the server, once it listens; empty for a pipe. */
  get host(): string {
    return this.#address?.address ?? '';
  }

  get port(): number {
    return this.#address?.port ?? 0;
  }

  get #address(): AddressInfo | undefined {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address : undefined;
  }

  concerns({ url = '/' }: IncomingMessage): boolean {
    return this.#spec.concerns(url);
  }

  take(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (!this.#gate.begin(socket)) return void socket.destroy();
    const { noDelay, keepAliveMs } = this.#spec.socket;
    socket.setNoDelay(noDelay).setKeepAlive(keepAliveMs > 0, keepAliveMs);
    void this.#gate.load().then(() => this.#gate.take(request, socket, head));
  }

  async close(): Promise<void> {
    this.#doorway.remove(this);
    this.#gate.close();
  }

  /** The server is its owner's to hold. */
  ref(): void {}

  unref(): void {}
}
