/**
 * The `node:net` echo server an expert writes, on `node:tls` with `--tls`: `node expert.mjs [--tls] [--port 0]`.
 *
 * It parses a whole chunk at a time, hands each message to the handler as a view, collects the
 * replies and passes them to the socket in one write per chunk. The handler's contract is ours:
 * `onMessage(connection, message) { connection.send(message) }`.
 */
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

import { FrameSplitter } from './frames.mjs';
import { serve, tlsFromArguments } from './serve.mjs';

const FastBuffer = Buffer[Symbol.species];

/** Where replies are collected: four times what libuv reads at once. */
const OUTPUT = 256 << 10;

/** From here on a vectored write of the message itself costs less than copying it. */
const LARGE = 16 << 10;

/** Shared: only the connection whose chunk is being parsed collects, and it leaves this empty. */
let output = Buffer.allocUnsafeSlow(OUTPUT);

class Connection {
  #socket;
  #splitter;
  #collecting = false;
  #used = 0;

  constructor(socket, onMessage) {
    this.#socket = socket;
    this.#splitter = new FrameSplitter((message) => onMessage(this, message));
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('drain', () => socket.resume());
    socket.on('error', () => socket.destroy());
  }

  /** Sends one message: together with its chunk's other replies, or by itself outside of one. */
  send(message) {
    const size = message.length;
    if (size >= LARGE || !this.#collecting) {
      this.#sendAlone(message);
      return;
    }
    if (this.#used + 4 + size > OUTPUT) this.#flush();
    const at = this.#used;
    output[at] = size >>> 24;
    output[at + 1] = size >>> 16;
    output[at + 2] = size >>> 8;
    output[at + 3] = size;
    output.set(message, at + 4);
    this.#used = at + 4 + size;
  }

  #receive(chunk) {
    const socket = this.#socket;
    this.#collecting = true;
    try {
      this.#splitter.push(chunk);
    } catch (error) {
      socket.destroy(error);
    }
    this.#collecting = false;
    this.#flush();
    if (socket.writableCorked > 0) socket.uncork();
    if (socket.writableNeedDrain) socket.pause();
  }

  /** Header and message as they are, in one vectored write with what else the chunk brings. */
  #sendAlone(message) {
    const socket = this.#socket;
    if (socket.writableCorked === 0) socket.cork();
    this.#flush();
    const header = Buffer.allocUnsafe(4);
    header.writeUInt32BE(message.length);
    socket.write(header);
    socket.write(message);
    if (!this.#collecting) socket.uncork();
  }

  #flush() {
    if (this.#used === 0) return;
    const socket = this.#socket;
    socket.write(new FastBuffer(output.buffer, 0, this.#used));
    this.#used = 0;
    // The kernel mostly takes everything within `write`. What it left still needs its bytes.
    if (socket.writableLength > 0) output = Buffer.allocUnsafeSlow(OUTPUT);
  }
}

const onMessage = (connection, message) => {
  connection.send(message);
};

const onSocket = (socket) => new Connection(socket, onMessage);
const tls = await tlsFromArguments();
if (tls === undefined) serve(createServer({ noDelay: true }, onSocket));
else serve(createTlsServer({ ...tls, ecdhCurve: 'X25519', noDelay: true }, onSocket));
