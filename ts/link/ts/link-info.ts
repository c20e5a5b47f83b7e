/** What a connection is from the start, as its socket knows it. */
import type { Socket } from 'node:net';
import type { Carrier, LinkInfo } from '../link.js';
import { tlsInfoOf } from './tls-info.js';

/** Of the carriers with and without TLS, the one that this socket is. */
export function linkInfo(socket: Socket, [plain, secure]: readonly [Carrier, Carrier]): LinkInfo {
  const tls = tlsInfoOf(socket);
  return {
    carrier: tls === undefined ? plain : secure,
    remoteAddress: socket.remoteAddress ?? '',
    remotePort: socket.remotePort ?? 0,
    localAddress: socket.localAddress ?? '',
    localPort: socket.localPort ?? 0,
    ...(tls && { tls }),
  };
}
