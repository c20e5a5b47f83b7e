/** The routes of links: those that are equal are one object. */
import type { Socket } from 'node:net';
import { isWebSocket } from './carriers.js';
import { Lately } from './lately.js';
import type { Carrier, LinkInfo, Route } from './link.js';

const routes = new Lately(parse);

/** Of lines: the carrier, our address and port, and on WebSocket the subprotocol, and 1 if messages are compressed. */
export function routeFrom(text: string): Route {
  return routes.of(text);
}

export function routeOf({ carrier, localAddress, localPort, subprotocol = '', isDeflated }: Route): Route {
  return routeFrom(`${carrier}\n${localAddress}\n${localPort}\n${subprotocol}\n${isDeflated ? 1 : 0}`);
}

/** What a socket of `node:net` knows of its ends. */
export function endsOf(socket: Socket, agreed: Omit<Route, 'localAddress' | 'localPort'>): LinkInfo {
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket;
  return { route: routeOf({ ...agreed, localAddress, localPort }), remoteAddress, remotePort };
}

function parse(text: string): Route {
  const lines = text.split('\n');
  const [, localAddress, localPort, subprotocol, isDeflated] = lines;
  const carrier = lines[0] as Carrier;
  const route = { carrier, localAddress, localPort: Number(localPort) };
  return isWebSocket(carrier) ? { ...route, subprotocol, isDeflated: isDeflated === '1' } : route;
}
