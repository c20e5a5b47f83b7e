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
  const ending = [below, socket].find(isEnding);
  if (ending !== undefined) return onceEnded(ending, () => cut(below, socket));
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

/**
 * Its side of the stream is being ended at this moment. libuv resets nothing meanwhile, and Node, when that fails,
 * forgets the socket without closing it: it would never tell of its end.
 */
function isEnding({ destroyed, writableEnded, writableFinished, writableLength }: Socket): boolean {
  return !destroyed && writableEnded && !writableFinished && writableLength === 0;
}

/** A matter of one turn of the event loop, or the end of the socket. */
function onceEnded(socket: Socket, action: () => void): void {
  const done = (): void => {
    socket.off('finish', done).off('close', done);
    action();
  };
  socket.once('finish', done).once('close', done);
}

/** The socket that a TLS socket was made on. */
export function socketBelow(socket: Socket): Socket | undefined {
  return (socket as Layered)[BELOW] ?? undefined;
}
