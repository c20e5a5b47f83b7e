/**
 * The `node:net` echo server most people write: `node write-per-message.mjs [--port 0]`.
 *
 * It parses as well as the expert's does, but every reply is a frame and a `socket.write` of its own.
 * What it costs more than the expert's is the price of one system call per message.
 */
import { createServer } from 'node:net';

import { FrameSplitter } from './frames.mjs';
import { serve } from './serve.mjs';

class Connection {
  #socket;

  constructor(socket, onMessage) {
    this.#socket = socket;
    const splitter = new FrameSplitter((message) => onMessage(this, message));
    socket.on('data', (chunk) => {
      try {
        splitter.push(chunk);
      } catch (error) {
        socket.destroy(error);
      }
    });
    socket.on('drain', () => socket.resume());
    socket.on('error', () => socket.destroy());
  }

  send(message) {
    const frame = Buffer.allocUnsafe(4 + message.length);
    frame.writeUInt32BE(message.length);
    frame.set(message, 4);
    if (!this.#socket.write(frame)) this.#socket.pause();
  }
}

const onMessage = (connection, message) => {
  connection.send(message);
};

serve(createServer({ noDelay: true }, (socket) => new Connection(socket, onMessage)));
