/** Keying material of a TLS socket. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { closed } from '../../errors/error.js';

/** @throws QWormholeError `ERR_QW_CLOSED` when the session is gone, or never was. */
export function exportFrom(socket: Socket, label: string, length: number, context?: Uint8Array): Buffer {
  if (!(socket instanceof TLSSocket) || socket.destroyed) throw closed('connection');
  // Without a context is not the same as with an empty one, in TLS 1.2.
  if (context === undefined) return socket.exportKeyingMaterial(length, label, undefined as never);
  return socket.exportKeyingMaterial(length, label, Buffer.from(context));
}
