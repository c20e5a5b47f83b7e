/**
 * A peer that is nothing but a socket: it can do what no well-behaved peer would. Over WebSocket it knows the
 * opening handshake and frames, and answers nothing by itself.
 */
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { frame, unframe } from './frames.js';
import { ca, pairOf, serverCert } from './pki.js';
import { socketPath } from './socket-path.js';
import { next, until } from './wait.js';
import { closeFrame, OPCODE, openingRequest, openingResponse, wsFrame, wsFrames } from './ws-frames.js';

/** Which end of what it is. */
type Dialect = 'tcp' | 'ws-client' | 'ws-server';

const CARRIER = process.env.QWORMHOLE_TEST_CARRIER ?? 'tcp';
const IS_SECURE = CARRIER === 'tls' || CARRIER === 'wss';
const IS_WS = CARRIER === 'ws' || CARRIER === 'wss';

/** TLS on a connection that is being made. */
function secured(socket: Socket): Socket {
  return connectTls({ socket, ca: ca.cert, servername: 'localhost' });
}

/** A TLS socket cannot reset: the one below it can. */
export function socketBelow(socket: Socket): Socket {
  return (socket as { ['_parent']?: Socket })['_parent'] ?? socket;
}

export class RawPeer {
  readonly socket: Socket;
  /** WebSocket: the head of the other side's request or response. */
  head = '';
  onHead = (): void => {};
  isClosed = false;
  error: NodeJS.ErrnoException | undefined;
  readonly #dialect: Dialect;
  #hasEnded = false;
  /** Twice as much whenever it is full: each byte is moved a few times, however many there are. */
  #memory = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  constructor(socket: Socket, dialect: Dialect = 'tcp') {
    this.socket = socket;
    this.#dialect = dialect;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => {
      this.#hasEnded = true;
      if (dialect !== 'tcp') socket.end();
    });
    socket.on('close', () => (this.isClosed = true));
    socket.on('error', (error) => (this.error = error));
  }

  /** Connects to an endpoint of ours; it does not end by itself when we do. */
  static async connect(url: string): Promise<RawPeer> {
    const { protocol, hostname, port, pathname } = new URL(url);
    const isSecure = protocol === 'tls:' || protocol === 'wss:';
    const isWs = protocol === 'ws:' || protocol === 'wss:';
    const way = protocol === 'unix:' ? { path: pathname } : { host: hostname, port: Number(port) };
    const below = connect({ ...way, allowHalfOpen: true, noDelay: true });
    const socket = isSecure ? secured(below) : below;
    const peer = new RawPeer(socket, isWs ? 'ws-client' : 'tcp');
    // A reset that comes at once may take the place of the connection.
    await Promise.race([next(socket, isSecure ? 'secureConnect' : 'connect'), next(socket, 'close')]);
    if (!isWs) return peer;
    peer.write(openingRequest(pathname, `${hostname}:${port}`));
    await until(() => peer.head !== '' || peer.isClosed, 'the answer to the handshake');
    return peer;
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** One message as its bytes on the wire. */
  pack(payload: Uint8Array | string): Buffer {
    if (this.#dialect === 'tcp') return frame(payload);
    return wsFrame(payload, { mask: this.#dialect === 'ws-client' });
  }

  /** Writes one message. */
  send(payload: Uint8Array | string): void {
    this.write(this.pack(payload));
  }

  /** Ends its side. */
  end(code = 1000, reason = ''): void {
    if (this.#dialect === 'tcp') this.socket.end();
    else this.socket.write(closeFrame(code, reason, this.#dialect === 'ws-client'));
  }

  /** Resets the connection. */
  reset(): void {
    socketBelow(this.socket).resetAndDestroy();
    this.socket.destroy();
  }

  /** Everything received while it reads; over WebSocket from the end of the handshake on. */
  get received(): Buffer {
    return this.#memory.subarray(this.#start, this.#end);
  }

  /** The payloads received so far, all of them whole. */
  get messages(): Buffer[] {
    if (this.#dialect === 'tcp') return unframe(this.received);
    return this.frames.filter(({ opcode }) => opcode < OPCODE.close).map(({ payload }) => payload);
  }

  /** WebSocket: the frames received so far. */
  get frames() {
    return wsFrames(this.received);
  }

  /** The other side has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded || (this.#dialect !== 'tcp' && this.closing !== undefined);
  }

  /** WebSocket: code and reason of the close frame received. */
  get closing(): readonly [number, string] | undefined {
    const last = this.frames.find(({ opcode }) => opcode === OPCODE.close);
    if (last === undefined) return undefined;
    const { payload } = last;
    return payload.length < 2 ? [1005, ''] : [payload.readUInt16BE(), payload.toString('utf8', 2)];
  }

  /** Waits for so many messages of this size. */
  async receivedMessages(count: number, size: number): Promise<void> {
    const head = this.#dialect === 'tcp' ? 4 : wsFrame(Buffer.alloc(size)).length - size;
    await this.receivedBytes(count * (size + head));
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

  #onData(chunk: Buffer): void {
    this.#keep(chunk);
    if (this.#dialect === 'tcp' || this.head !== '') return;
    const end = this.received.indexOf('\r\n\r\n');
    if (end === -1) return;
    this.head = this.received.toString('latin1', 0, end + 4);
    this.#start = end + 4;
    if (this.#dialect === 'ws-server') this.write(openingResponse(this.head));
    this.onHead();
  }

  #keep(chunk: Buffer): void {
    const end = this.#end + chunk.length;
    if (end > this.#memory.length) {
      const larger = Buffer.alloc(2 * end);
      this.#memory.copy(larger, 0, 0, this.#end);
      this.#memory = larger;
    }
    chunk.copy(this.#memory, this.#end);
    this.#end = end;
  }
}

/** A server that hands out raw peers. */
export class RawServer {
  /** In the order in which they came; over WebSocket once they are answered. */
  readonly peers: RawPeer[] = [];
  readonly #sockets: Socket[] = [];
  readonly #server: Server;

  private constructor(server: Server, setUp: (socket: Socket) => void) {
    this.#server = server;
    server.on(IS_SECURE ? 'secureConnection' : 'connection', (socket) => {
      setUp(socket);
      this.#sockets.push(socket);
      const peer = new RawPeer(socket, IS_WS ? 'ws-server' : 'tcp');
      if (!IS_WS) this.peers.push(peer);
      else peer.onHead = () => void this.peers.push(peer);
    });
  }

  static async listen(setUp: (socket: Socket) => void = () => {}, port = 0): Promise<RawServer> {
    const options = { allowHalfOpen: true, noDelay: true };
    const server = IS_SECURE
      ? createTlsServer({ ...options, ...pairOf(serverCert()) })
      : createServer(options);
    const raw = new RawServer(server, setUp);
    if (CARRIER === 'unix') server.listen(socketPath());
    else server.listen(port, '127.0.0.1');
    await next(server, 'listening');
    return raw;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    const at = this.#server.address() as AddressInfo | string;
    return typeof at === 'string' ? `unix://${at}` : `${CARRIER}://127.0.0.1:${at.port}`;
  }

  /** The peer of the connection number `index`. */
  async peer(index = 0): Promise<RawPeer> {
    await until(() => this.peers.length > index, `connection ${index}`);
    return this.peers[index];
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
