/**
 * The echo server an expert writes with `Bun.listen`: `bun bun-tcp.mjs [--port 0]`.
 *
 * As `expert.mjs` on `node:net`: it parses a whole chunk at a time, hands each message to the handler as a
 * view, collects the replies and passes them to the socket in one write per chunk. Bun's `write` takes what the
 * kernel takes and leaves the rest to its caller, who keeps it until `drain` and does not read meanwhile.
 */
import { FrameSplitter } from './frames.mjs';
import { announce, portFromArguments } from './serve.mjs';

/** Where replies are collected: what Bun reads at once, 512 KiB, and the message that it completes. */
const OUTPUT = 1 << 20;

/** Shared: only the connection whose chunk is being parsed collects, and it leaves this empty. */
const output = Buffer.allocUnsafeSlow(OUTPUT);
let used = 0;

class Connection {
  #socket;
  #splitter;
  /** What the kernel has not taken yet, in order. */
  #rest = [];

  constructor(socket, onMessage) {
    this.#socket = socket;
    this.#splitter = new FrameSplitter((message) => onMessage(this, message));
  }

  /** Adds one message to its chunk's replies. */
  send(message) {
    const size = message.length;
    if (used + 4 + size > OUTPUT) this.#flush();
    if (4 + size > OUTPUT) return this.#sendAlone(message);
    output[used] = size >>> 24;
    output[used + 1] = size >>> 16;
    output[used + 2] = size >>> 8;
    output[used + 3] = size;
    output.set(message, used + 4);
    used += 4 + size;
  }

  receive(chunk) {
    try {
      this.#splitter.push(chunk);
      this.#flush();
    } catch {
      used = 0;
      this.#socket.terminate();
    }
  }

  drain() {
    const rest = this.#rest;
    this.#rest = [];
    for (const bytes of rest) this.#write(bytes);
    if (this.#rest.length === 0) this.#socket.resume();
  }

  #sendAlone(message) {
    const header = Buffer.allocUnsafe(4);
    header.writeUInt32BE(message.length);
    this.#write(header);
    this.#write(message);
  }

  #flush() {
    if (used === 0) return;
    const bytes = output.subarray(0, used);
    used = 0;
    this.#write(bytes, true);
  }

  /** What is in `output` must be copied where it is kept. */
  #write(bytes, isShared = false) {
    const written = this.#rest.length > 0 ? 0 : Math.max(0, this.#socket.write(bytes));
    if (written === bytes.length) return;
    if (this.#rest.length === 0) this.#socket.pause();
    const rest = bytes.subarray(written);
    this.#rest.push(isShared ? Buffer.from(rest) : rest);
  }
}

const onMessage = (connection, message) => {
  connection.send(message);
};

const server = globalThis.Bun.listen({
  hostname: '127.0.0.1',
  port: portFromArguments(),
  socket: {
    open(socket) {
      socket.data = new Connection(socket, onMessage);
      socket.setNoDelay(true);
    },
    data(socket, chunk) {
      socket.data.receive(chunk);
    },
    drain(socket) {
      socket.data.drain();
    },
    error(socket) {
      socket.terminate();
    },
  },
});
announce(server.port);
