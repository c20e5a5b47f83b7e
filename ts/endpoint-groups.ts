/** Which endpoints of a server share a socket: WebSocket ones with the same host and port, by their paths. */
import type { Endpoint } from './endpoint.js';
import { isWebSocket } from './link/carriers.js';

/**
 * Indexes of the endpoints, one list for each socket, in the order of the first of each; or the index of an
 * endpoint that is there twice. Port 0 with the same path twice asks for two ports.
 */
export function groupEndpoints(endpoints: readonly Endpoint[]): number[][] | number {
  const groups: number[][] = [];
  for (const [index, endpoint] of endpoints.entries()) {
    const together = groups.filter(([first]) => canShare(endpoints[first], endpoint));
    const open = together.find((group) => group.every((each) => endpoints[each].path !== endpoint.path));
    if (open !== undefined) open.push(index);
    else if (together.length > 0 && endpoint.port !== 0) return index;
    else groups.push([index]);
  }
  return groups;
}

function canShare(one: Endpoint, other: Endpoint): boolean {
  const { scheme, host, port } = one;
  return isWebSocket(scheme) && other.scheme === scheme && other.host === host && other.port === port;
}
