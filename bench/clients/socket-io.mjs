/** The client of socket.io, over its WebSocket transport. */
import { EventEmitter, once } from 'node:events';
import { io } from 'socket.io-client';

class Client extends EventEmitter {
  #socket;

  constructor(socket) {
    super();
    this.#socket = socket;
    socket.on('message', (message) => this.emit('message', message));
    socket.on('disconnect', (reason) => this.emit('close', 0, reason));
  }

  /** It keeps what it is given until it is sent: a copy, since ours is used again. */
  send(message) {
    this.#socket.emit('message', Buffer.from(message));
  }

  close() {
    this.#socket.disconnect();
  }
}

export async function connect(address) {
  const url = new URL(address);
  const options = {
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
    perMessageDeflate: false,
  };
  const socket = io(`http://${url.host}`, options);
  await once(socket, 'connect');
  return new Client(socket);
}
