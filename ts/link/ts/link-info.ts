/** What a connection is from the start, as its socket knows it. */
import type { Socket } from 'node:net';
import type { Carrier, LinkInfo, Route } from '../link.js';
import { endsOf } from '../routes.js';
import { tlsInfoOf } from './tls-info.js';

/** Of the carriers with and without TLS, the one that this socket is; `agreed`: on WebSocket. */
export function linkInfo(
  socket: Socket,
  [plain, secure]: readonly [Carrier, Carrier],
  agreed?: Pick<Route, 'subprotocol' | 'isDeflated'>,
): LinkInfo {
  const tls = tlsInfoOf(socket);
  const ends = endsOf(socket, { carrier: tls === undefined ? plain : secure, ...agreed });
  return tls === undefined ? ends : { ...ends, tls };
}
