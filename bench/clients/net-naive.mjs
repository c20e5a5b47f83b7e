/** The `node:net` client most people write: a frame and a `socket.write` for each message. */
import { EventEmitter, once } from 'node:events';
import { connect as dial } from 'node:net';

import { FrameSplitter } from '../baselines/frames.mjs';

class Client extends EventEmitter {
  #socket;

  constructor(socket) {
    super();
    this.#socket = socket;
    const splitter = new FrameSplitter((message) => this.emit('message', message));
    socket.on('data', (chunk) => splitter.push(chunk));
    socket.on('error', (error) => this.emit('error', error));
    socket.on('close', () => this.emit('close', 0, ''));
  }

  send(message) {
    const frame = Buffer.allocUnsafe(4 + message.length);
    frame.writeUInt32BE(message.length);
    frame.set(message, 4);
    this.#socket.write(frame);
  }

  close() {
    this.#socket.destroy();
  }
}

export async function connect(address) {
  const { hostname, port } = new URL(address);
  const socket = dial({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return new Client(socket);
}
