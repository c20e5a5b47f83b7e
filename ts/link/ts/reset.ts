/** An end that the peer can tell from an orderly one. */
import type { Socket } from 'node:net';

/** Closes with a reset where the socket knows one. */
export function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // TLS sockets and pipes, which HTTP servers may have too, know no reset.
    socket.destroy();
  }
}
