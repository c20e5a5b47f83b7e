/** Cutting a connection, so that its peer sees that it was cut. */
import type { Socket } from 'node:net';

/** A TLS socket knows no reset, the one below it does; Node has it under this name. */
const BELOW = '_parent';

interface Layered {
  readonly [BELOW]?: Socket | null;
}

/** Resets; what is no TCP socket at its bottom (a pipe) is closed. */
export function resetSocket(socket: Socket): void {
  const below = (socket as Layered)[BELOW];
  try {
    (below ?? socket).resetAndDestroy();
  } catch {
    // Nothing below that could be reset.
  }
  socket.destroy();
}

/** The socket that a TLS socket was made on. */
export function socketBelow(socket: Socket): Socket | undefined {
  return (socket as Layered)[BELOW] ?? undefined;
}
