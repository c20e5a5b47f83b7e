/**
 * The `node:net` client an expert writes: whole chunks parsed at a time, and what is sent meanwhile, or within one
 * tick, written at once.
 */
import { EventEmitter, once } from 'node:events';
import { connect as dial } from 'node:net';

import { FrameSplitter } from '../baselines/frames.mjs';

/** Holds a whole window of small messages; more is written in several pieces. */
const OUTPUT = 256 << 10;

class Client extends EventEmitter {
  #socket;
  #output = Buffer.allocUnsafeSlow(OUTPUT);
  #used = 0;
  #isDue = false;

  constructor(socket) {
    super();
    this.#socket = socket;
    const splitter = new FrameSplitter((message) => this.emit('message', message));
    socket.on('data', (chunk) => {
      this.#isDue = true;
      splitter.push(chunk);
      this.#flush();
    });
    socket.on('error', (error) => this.emit('error', error));
    socket.on('close', () => this.emit('close', 0, ''));
  }

  send(message) {
    const { length } = message;
    if (this.#used + 4 + length > OUTPUT) this.#flush();
    if (4 + length > OUTPUT)
      throw new RangeError(`a message of ${length} bytes is more than this client sends`);
    this.#output.writeUInt32BE(length, this.#used);
    this.#output.set(message, this.#used + 4);
    this.#used += 4 + length;
    if (this.#isDue) return;
    this.#isDue = true;
    process.nextTick(() => this.#flush());
  }

  close() {
    this.#socket.destroy();
  }

  #flush() {
    this.#isDue = false;
    if (this.#used === 0) return;
    this.#socket.write(this.#output.subarray(0, this.#used));
    this.#used = 0;
    // The kernel mostly takes everything within `write`. What it left still needs its bytes.
    if (this.#socket.writableLength > 0) this.#output = Buffer.allocUnsafeSlow(OUTPUT);
  }
}

export async function connect(address) {
  const { hostname, port } = new URL(address);
  const socket = dial({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return new Client(socket);
}
