/** Which connections of `node:net` the I/O side may take over. */
import cluster from 'node:cluster';
import { Socket } from 'node:net';

/** Where a descriptor is what the system calls one, and a duplicate keeps the connection open. */
const PLATFORMS: readonly string[] = ['linux', 'darwin'];

/** What a socket has under it. It is no public interface: whatever is not as expected is left alone. */
interface Handle {
  readonly fd?: unknown;
}

/**
 * The descriptor of a TCP connection that can be taken over here and now: one that nobody else listens to and
 * of which nothing waits to be written. `undefined` for any other.
 */
export function descriptorOf(socket: Socket): number | undefined {
  if (!isPossibleHere() || !isPlain(socket)) return undefined;
  const isQuiet = socket.writableLength === 0 && socket.readableLength === 0;
  const isOpen = socket.readyState === 'open' && !socket.readableEnded;
  if (!isQuiet || !isOpen || socket.listenerCount('data') > 0) return undefined;
  const { _handle: handle } = socket as { readonly _handle?: Handle | null };
  // Pipes have another one; the I/O side speaks TCP only.
  if (handle?.constructor?.name !== 'TCP') return undefined;
  const { fd } = handle;
  return typeof fd === 'number' && Number.isInteger(fd) && fd >= 0 ? fd : undefined;
}

/** Not in workers of a cluster, whose connections the primary process may have to do with, nor in runtimes that imitate Node. */
function isPossibleHere(): boolean {
  const { bun, deno } = process.versions as Record<string, string | undefined>;
  return PLATFORMS.includes(process.platform) && bun === undefined && deno === undefined && !cluster.isWorker;
}

/** Of the class itself: TLS and whatever else derives from it has more to say than its descriptor does. */
function isPlain(socket: Socket): boolean {
  return Object.getPrototypeOf(socket) === Socket.prototype;
}
