/**
 * Where a connection leads, for people. A place is a host and a port, or the path of a Unix socket or of a named
 * pipe, which stands where the host does: no host looks like one.
 */
interface Place {
  readonly host: string;
  readonly port: number;
}

interface Peer {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
}

/** Whether a host is the path of a socket: `/run/chat.sock`, `\\.\pipe\chat`. */
export function isPath(host: string): boolean {
  return host.startsWith('/') || host.startsWith('\\\\');
}

export function placeText({ host, port }: Place): string {
  return isPath(host) ? host : `${host}:${port}`;
}

/** Who is at the other end; who calls over a Unix socket or a pipe has no address. */
export function peerText({ remoteAddress = '', remotePort = 0 }: Peer): string {
  return remoteAddress === ''
    ? 'a process of this machine'
    : placeText({ host: remoteAddress, port: remotePort });
}
