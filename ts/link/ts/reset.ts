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
  const ending = [socket, below].find(isEnding);
  if (ending !== undefined) ending.once('finish', () => cutNow(below, socket));
  else cutNow(below, socket);
}

/** While the end of our side is on its way to the kernel a reset is refused, and the socket would never be closed. */
function isEnding(socket: Socket): boolean {
  const { writableEnded, writableFinished, writableLength, destroyed } = socket;
  return writableEnded && !writableFinished && writableLength === 0 && !destroyed;
}

function cutNow(below: Socket, socket: Socket): void {
  if (below.destroyed) return void socket.destroy();
  try {
    below.resetAndDestroy();
    // One that is still connecting is reset once it is connected.
    if (below !== socket) socket.destroy();
  } catch {
    // Nothing below that could be reset.
    socket.destroy();
  }
}

/** The socket that a TLS socket was made on. */
export function socketBelow(socket: Socket): Socket | undefined {
  return (socket as Layered)[BELOW] ?? undefined;
}
