/** Peers that are not this library: plain sockets that send and read frames. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { frame } from '../support/frames.js';

const open = new Set<Server | Socket>();
afterEach(() => {
  for (const one of open) {
    if ('destroy' in one) one.destroy();
    else one.close();
  }
  open.clear();
});

/** Listens on a free port, or on this one; calls back for each connection. */
export async function peer(
  onConnection: (socket: Socket) => void,
  port = 0,
): Promise<{ url: string; port: number; server: Server }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  open.add(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return { url: `tcp://127.0.0.1:${bound}`, port: bound, server };
}

/** Sends these messages to whoever connects, and ends when the other side does. */
export function saying(...messages: (string | Uint8Array)[]): (socket: Socket) => void {
  return (socket) => {
    for (const message of messages) socket.write(frame(message));
    socket.on('end', () => socket.end());
    socket.resume();
  };
}
