/** A socket that does to its other end whatever it is told, and writes down what came of it. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { ca, pairOf, serverCert } from '../../support/pki.js';
import { next, until } from '../../support/wait.js';
import { Timeline } from './timeline.js';

/** Of what comes back so much is kept, bytes: no attack looks at more, and one gets megabytes. */
const KEPT_BYTES = 1024 * 1024;

export interface Wire {
  readonly isSecure?: boolean;
  /** The address to call from, of 127.0.0.0/8. */
  readonly from?: string;
}

export class Attacker {
  readonly timeline = new Timeline();
  /** It has called: the target listens. */
  readonly isCaller: boolean;
  readonly socket: Socket;
  /** The socket of TCP, below TLS. */
  readonly below: Socket;
  received = Buffer.alloc(0);
  receivedBytes = 0;
  /** By which the other end knows it. */
  port = 0;
  /** Where in it messages begin, behind an opening. */
  begin = 0;
  hasEnded = false;
  isReset = false;
  isClosed = false;
  /** It does not end its side when the other one has. */
  isStubborn = false;
  /** What it has written last. */
  #last: Uint8Array | string = '';
  /** Called whenever something came. */
  onData = (): void => {};

  constructor(socket: Socket, below: Socket, isCaller: boolean) {
    this.socket = socket;
    this.below = below;
    this.isCaller = isCaller;
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('end', () => this.#onEnd());
    socket.on('close', () => {
      this.isClosed = true;
      this.timeline.add('closed');
    });
    for (const each of new Set([socket, below])) each.on('error', (error) => this.#onError(error));
  }

  /** Calls a port of this machine. */
  static async call(port: number, { isSecure = false, from }: Wire = {}): Promise<Attacker> {
    const below = connect({
      host: '127.0.0.1',
      port,
      localAddress: from,
      allowHalfOpen: true,
      noDelay: true,
    });
    const socket = isSecure ? connectTls({ socket: below, ca: ca.cert, servername: 'localhost' }) : below;
    const attacker = new Attacker(socket, below, true);
    below.once('connect', () => (attacker.port = below.localPort!));
    await Promise.race([next(socket, isSecure ? 'secureConnect' : 'connect'), next(socket, 'close')]);
    attacker.timeline.add('opened');
    return attacker;
  }

  /** Writes; resolves when there is room for more, or nobody to write to. */
  async write(bytes: Uint8Array | string): Promise<void> {
    if (this.isClosed || !this.socket.writable) return;
    this.#last = bytes;
    this.timeline.add('sent', Buffer.from(bytes as Uint8Array));
    if (!this.socket.write(bytes))
      await Promise.race([next(this.socket, 'drain'), next(this.socket, 'close')]);
  }

  end(): void {
    if (this.socket.writable) this.socket.end();
  }

  reset(): void {
    this.below.resetAndDestroy();
    this.socket.destroy();
  }

  destroy(): void {
    this.socket.destroy();
    this.below.destroy();
  }

  async closed(timeoutMs: number): Promise<void> {
    // Who has seen the other end's end reads no more, and hears of a reset only when it writes.
    const poke = this.isStubborn ? setInterval(() => void this.write(this.#last), 20) : undefined;
    try {
      await until(() => this.isClosed, 'the end of the attacked connection', timeoutMs);
    } finally {
      clearInterval(poke);
    }
  }

  #onData(bytes: Buffer): void {
    this.timeline.add('received', bytes);
    this.receivedBytes += bytes.length;
    if (this.received.length < KEPT_BYTES) this.received = Buffer.concat([this.received, bytes]);
    this.onData();
  }

  #onEnd(): void {
    this.timeline.add('end');
    this.hasEnded = true;
    if (!this.isStubborn) this.end();
  }

  #onError({ code }: NodeJS.ErrnoException): void {
    if (code !== 'ECONNRESET' && code !== 'EPIPE') return;
    if (!this.isReset) this.timeline.add('reset');
    this.isReset = true;
  }
}

/** A port that whoever calls it is attacked at. */
export class Ambush {
  readonly #server: Server;
  readonly #callers: Attacker[] = [];
  #taken = 0;

  private constructor(server: Server, isSecure: boolean) {
    this.#server = server;
    server.on('connection', (below: Socket) =>
      this.#callers.push(new Attacker(secured(below, isSecure), below, false)),
    );
  }

  static async lay({ isSecure = false }: Wire = {}): Promise<Ambush> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const ambush = new Ambush(server, isSecure);
    server.listen(0, '127.0.0.1');
    await next(server, 'listening');
    return ambush;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next one that calls. */
  async caller(): Promise<Attacker> {
    const index = this.#taken++;
    await until(() => this.#callers.length > index, 'the call of the target');
    const attacker = this.#callers[index];
    attacker.timeline.add('opened');
    return attacker;
  }

  close(): void {
    this.#server.close();
    for (const caller of this.#callers) caller.destroy();
  }
}

function secured(below: Socket, isSecure: boolean): Socket {
  return isSecure ? new TLSSocket(below, { isServer: true, ...pairOf(serverCert()) }) : below;
}
