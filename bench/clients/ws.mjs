/** The client of the `ws` package: it has the events and the `send` of ours already. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

export async function connect(address, { deflate = false }) {
  const socket = new WebSocket(address, { perMessageDeflate: deflate });
  await once(socket, 'open');
  if (!deflate) return socket;
  if (!socket.extensions) throw new Error('permessage-deflate was asked for and not agreed on');
  // It compresses later, and what it is given is used again: a copy.
  const send = socket.send.bind(socket);
  socket.send = (message) => send(Buffer.from(message));
  return socket;
}
