/** Cutting a connection, so that its peer sees that it was cut. */
import type { Socket } from 'node:net';

/** A TLS socket knows no reset, the one below it does; Node has it under this name. */
const BELOW = '_parent';

interface Layered {
  readonly [BELOW]?: Socket | null;
}

/**
 * Resets; what is no TCP socket at its bottom (a pipe) is closed. With TLS that happens in the next turn: a
 * reset from within a callback of OpenSSL, as messages and handshakes are, would take the handle from under it.
 */
export function resetSocket(socket: Socket): void {
  const below = (socket as Layered)[BELOW];
  if (below) setImmediate(() => cut(below, socket));
  else cut(socket, socket);
}

function cut(below: Socket, socket: Socket): void {
  try {
    below.resetAndDestroy();
  } catch {
    // Nothing below that could be reset.
  }
  socket.destroy();
}

/** The socket that a TLS socket was made on. */
export function socketBelow(socket: Socket): Socket | undefined {
  return (socket as Layered)[BELOW] ?? undefined;
}
