/** A peer that is nothing but a socket: it can do what no well-behaved peer would. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { frame, unframe } from './frames.js';
import { next, until } from './wait.js';

export class RawPeer {
  readonly socket: Socket;
  /** Everything received while it reads. */
  received = Buffer.alloc(0);
  /** The other side has ended. */
  hasEnded = false;
  isClosed = false;
  error: NodeJS.ErrnoException | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => (this.received = Buffer.concat([this.received, chunk])));
    socket.on('end', () => (this.hasEnded = true));
    socket.on('close', () => (this.isClosed = true));
    socket.on('error', (error) => (this.error = error));
  }

  /** Connects to an endpoint of ours; it does not end by itself when we do. */
  static async connect(url: string): Promise<RawPeer> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    const peer = new RawPeer(socket);
    // A reset that comes at once may take the place of the connection.
    await Promise.race([next(socket, 'connect'), next(socket, 'close')]);
    return peer;
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Writes one frame. */
  send(payload: Uint8Array | string): void {
    this.socket.write(frame(payload));
  }

  /** Ends its side. */
  end(): void {
    this.socket.end();
  }

  /** Resets the connection. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** The payloads received so far, all of them whole. */
  get messages(): Buffer[] {
    return unframe(this.received);
  }

  async receivedBytes(count: number): Promise<Buffer> {
    await until(() => this.received.length >= count, `${count} bytes`);
    return this.received;
  }

  async ended(): Promise<void> {
    await until(() => this.hasEnded, 'the end of the stream');
  }

  async closed(): Promise<void> {
    await until(() => this.isClosed, 'the close of the socket');
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** A server that hands out raw peers. */
export class RawServer {
  readonly peers: RawPeer[] = [];
  readonly #server: Server;

  private constructor(server: Server, setUp: (socket: Socket) => void) {
    this.#server = server;
    server.on('connection', (socket) => {
      setUp(socket);
      this.peers.push(new RawPeer(socket));
    });
  }

  static async listen(setUp: (socket: Socket) => void = () => {}, port = 0): Promise<RawServer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const raw = new RawServer(server, setUp);
    server.listen(port, '127.0.0.1');
    await next(server, 'listening');
    return raw;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `tcp://127.0.0.1:${this.port}`;
  }

  /** The peer of the connection number `index`. */
  async peer(index = 0): Promise<RawPeer> {
    await until(() => this.peers.length > index, `connection ${index}`);
    return this.peers[index];
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
