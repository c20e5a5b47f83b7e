/** The client of the `ws` package: it has the events and the `send` of ours already. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

export async function connect(address, { deflate = false }) {
  const socket = new WebSocket(address, { perMessageDeflate: deflate });
  await once(socket, 'open');
  if (deflate && !socket.extensions) throw new Error('permessage-deflate was asked for and not agreed on');
  return socket;
}
