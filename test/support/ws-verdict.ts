/** What one of our backends makes of a stream of bytes: over real sockets, in both roles. */
import { createServer, connect as connectSocket, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect, listen, type Connection, type QWormholeServer } from '../../ts/index.js';
import type { Stream } from './ws-streams.js';
import { next, until } from './wait.js';
import { OPCODE, openingRequest, openingResponse, wsFrames } from './ws-frames.js';

/** All that the application and the peer see of a connection. */
export interface Verdict {
  /** `text` or `binary` and the bytes, in order. */
  readonly messages: readonly string[];
  /** The fault that the application hears of. */
  readonly error: string | undefined;
  /** What words it is told in: for naming differences, not for comparing. */
  readonly why: string;
  /** The peer ended its side before it had heard anything of our end: not compared, a matter of time. */
  readonly isLeft: boolean;
  /** Code, and without a fault the reason, of the event `close`. */
  readonly closed: readonly [number, string];
  readonly clean: boolean;
  /** Code, and without a fault the reason, of the close frame that the peer was sent; 1005 for none in it. */
  readonly farewell: readonly [number, string] | undefined;
  /** The payloads of the pongs before it. */
  readonly pongs: readonly string[];
  /** How the stream to the peer ended. */
  readonly end: 'in order' | 'reset';
}

/** What bounds a backend. */
export interface Bounds {
  readonly maxMessage: number;
  readonly maxFragments?: number;
}

/** So long without a word from us a peer that waits takes the connection to be open, ms. */
const QUIET_MS = 40;
const OPTIONS = {
  protocol: 'raw',
  // Pings are counted by time, which is not the same twice.
  controlBurst: 10_000,
  controlPerSecond: 10_000,
  closeTimeoutMs: 2_000,
} as const;
const EXTENSION = 'Sec-WebSocket-Extensions: permessage-deflate';

/** Our end, as it unfolds. */
class Witness {
  readonly messages: string[] = [];
  error: { code: string; message: string } | undefined;
  closed: [number, string, boolean] | undefined;

  watch(connection: Connection<any> | Awaited<ReturnType<typeof connect<any>>>): void {
    connection.on('error', (error: any) => (this.error ??= error));
    connection.on('close', (code: number, reason: string, clean: boolean) => {
      this.closed = [code, reason, clean];
    });
    connection.on('message', (message: Buffer | string) => {
      const isText = typeof message === 'string';
      this.messages.push(`${isText ? 'text' : 'binary'} ${Buffer.from(message as string).toString('hex')}`);
    });
  }
}

/** The other end: a socket. */
class Peer {
  received = Buffer.alloc(0);
  hasEnded = false;
  isClosed = false;
  isReset = false;
  isLeaving = false;
  heardAt = performance.now();
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.heardAt = performance.now();
    });
    socket.on('end', () => (this.hasEnded = true));
    socket.on('close', () => (this.isClosed = true));
    socket.on('error', () => (this.isReset = true));
  }

  /** Waits for the head of the other side and takes it off. */
  async head(): Promise<string> {
    await until(() => this.received.includes('\r\n\r\n'), 'the head of the opening handshake');
    const end = this.received.indexOf('\r\n\r\n') + 4;
    const head = this.received.toString('latin1', 0, end);
    this.received = this.received.subarray(end);
    return head;
  }

  async play({ bytes, cuts, waits }: Stream): Promise<void> {
    let from = 0;
    for (const cut of [...cuts, bytes.length]) {
      if (cut > from) this.socket.write(bytes.subarray(from, cut));
      from = cut;
      // Both ends are read between two writes: so they are separate.
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    }
    this.heardAt = performance.now();
    const isOver = () => this.hasEnded || this.isClosed || this.farewell !== undefined;
    if (waits) await until(() => isOver() || performance.now() > this.heardAt + QUIET_MS);
    this.isLeaving = !isOver();
    this.socket.end();
    await until(() => this.isClosed, 'the end of the stream');
  }

  get farewell(): [number, string] | undefined {
    const frame = wsFrames(this.received).find(({ opcode }) => opcode === OPCODE.close);
    if (frame === undefined) return undefined;
    const { payload } = frame;
    return payload.length < 2 ? [1005, ''] : [payload.readUInt16BE(), payload.toString('utf8', 2)];
  }

  get pongs(): string[] {
    const frames = wsFrames(this.received).filter(({ opcode }) => opcode === OPCODE.pong);
    return frames.map(({ payload }) => payload.toString('hex'));
  }
}

/** One backend, in both roles. */
export class Judge {
  readonly #options: Bounds & { readonly forceTs: boolean };
  readonly #servers: readonly QWormholeServer<any>[];
  readonly #rawServer: Server;
  readonly #expected = new Map<string, (peer: Peer) => void>();
  readonly #witnesses = new Map<string, Witness>();
  #count = 0;

  private constructor(
    options: Bounds & { readonly forceTs: boolean },
    servers: readonly QWormholeServer<any>[],
    rawServer: Server,
  ) {
    this.#options = options;
    this.#servers = servers;
    this.#rawServer = rawServer;
    for (const server of servers) {
      server.on('error', () => {});
      server.on('connection', (connection) => {
        this.#witnesses.get(connection.query?.get('case') ?? '')?.watch(connection);
      });
    }
    rawServer.on('connection', (socket) => void this.#answer(new Peer(socket)));
  }

  static async of(backend: 'native' | 'ts', bounds: Bounds): Promise<Judge> {
    const options = { ...OPTIONS, ...bounds, forceTs: backend === 'ts' };
    const listening = [false, true].map((deflate) =>
      listen<any>('ws://127.0.0.1:0/', { ...options, deflate }),
    );
    const raw = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await next(raw, 'listening');
    const judge = new Judge(options, await Promise.all(listening), raw);
    const modes = new Set(judge.#servers.map(({ mode }) => mode));
    if (modes.size > 1 || !modes.has(backend)) throw new Error(`not on the ${backend} backend`);
    return judge;
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
    this.#rawServer.close();
  }

  async verdict(stream: Stream): Promise<Verdict> {
    const id = String((this.#count += 1));
    const witness = new Witness();
    const peer = await (stream.role === 'server'
      ? this.#meetServer(stream, id, witness)
      : this.#meetClient(stream, id, witness));
    await peer.play(stream);
    await until(() => witness.closed !== undefined, 'the event close');
    this.#witnesses.delete(id);
    return verdictOf(witness, peer);
  }

  async #meetServer({ isDeflated }: Stream, id: string, witness: Witness): Promise<Peer> {
    this.#witnesses.set(id, witness);
    const { port } = new URL(this.#servers[isDeflated ? 1 : 0].addresses[0]);
    const peer = new Peer(connectSocket({ host: '127.0.0.1', port: Number(port), allowHalfOpen: true }));
    peer.socket.write(openingRequest(`/?case=${id}`, `127.0.0.1:${port}`, isDeflated ? [EXTENSION] : []));
    await peer.head();
    return peer;
  }

  async #meetClient({ isDeflated }: Stream, id: string, witness: Witness): Promise<Peer> {
    const { port } = this.#rawServer.address() as AddressInfo;
    const arrived = new Promise<Peer>((resolve) => this.#expected.set(`/${id}`, resolve));
    const options = { ...this.#options, deflate: isDeflated, reconnect: false } as const;
    witness.watch(await connect<any>(`ws://127.0.0.1:${port}/${id}`, options));
    return arrived;
  }

  /** A client of ours has come: nothing more is done than to open. */
  async #answer(peer: Peer): Promise<void> {
    const head = await peer.head();
    const offersDeflate = /sec-websocket-extensions: *permessage-deflate/i.test(head);
    peer.socket.write(openingResponse(head, offersDeflate ? [EXTENSION] : []));
    const path = head.split(' ', 2)[1];
    this.#expected.get(path)?.(peer);
    this.#expected.delete(path);
  }
}

function verdictOf(
  { messages, error, closed }: Witness,
  { farewell, pongs, isReset, isLeaving }: Peer,
): Verdict {
  const [code, reason, clean] = closed!;
  // A fault is told in words of the backend's own.
  const told = error === undefined ? reason : '';
  return {
    messages,
    error: error?.code,
    why: error?.message ?? '',
    isLeft: isLeaving,
    closed: [code, told],
    clean,
    farewell: farewell && [farewell[0], error === undefined ? farewell[1] : ''],
    pongs,
    end: isReset ? 'reset' : 'in order',
  };
}
