/**
 * Unix sockets are files: who may connect is a matter of their permissions, and a server that was killed leaves its
 * own behind. The backends bind them, and remove them at the end.
 */
import { chmod, lstat, stat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { fromSystem, type ErrorCode, QWormholeError } from '../errors/error.js';
import type { LinkDriver, LinkListener, ListenerHandler, ListenSpec } from '../link/link.js';
import { carrierOf } from '../link/carriers.js';

/** The options that have a say. */
export interface SocketFiles {
  readonly socketMode: number | undefined;
  readonly replaceStaleSocket: boolean;
}

/** Listens at an address or a path. Rejects with a `QWormholeError`. */
export async function listenAt(
  driver: LinkDriver,
  spec: ListenSpec,
  files: SocketFiles,
  handler: ListenerHandler,
): Promise<LinkListener> {
  if (carrierOf(spec) !== 'unix') return driver.listen(spec, handler);
  const path = spec.host;
  let listener: LinkListener;
  try {
    listener = await driver.listen(spec, handler);
  } catch (error) {
    await obviate(error as QWormholeError, path, files);
    listener = await driver.listen(spec, handler);
  }
  await permit(path, files.socketMode, listener);
  return listener;
}

/** Removes what is in the way, if that is allowed; throws what is, in words that lead to it. */
async function obviate(error: QWormholeError, path: string, files: SocketFiles): Promise<void> {
  if (error.code === 'ERR_QW_ADDRESS_IN_USE') return makeRoom(path, files.replaceStaleSocket, error);
  // Node says EACCES.
  const isHomeless = await stat(dirname(path)).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'ENOENT',
  );
  if (!isHomeless) throw error;
  throw stopped('ERR_QW_ADDRESS_UNAVAILABLE', path, 'its directory does not exist', error);
}

/** Removes what nobody listens on, if that is allowed; throws what stands in the way. */
async function makeRoom(path: string, mayReplace: boolean, cause: QWormholeError): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  // Removed meanwhile.
  if (found === undefined) return;
  if (!found.isSocket()) throw stopped('ERR_QW_ADDRESS_IN_USE', path, 'it is a file, no socket', cause);
  if (!(await isStale(path))) throw cause;
  if (!mayReplace) throw stopped('ERR_QW_SOCKET_STALE', path, 'nobody does, its file is left over', cause);
  // Another server may have been as quick: its socket is not to be taken from under it.
  const now = await lstat(path).catch(() => undefined);
  if (now !== undefined && (now.ino !== found.ino || now.dev !== found.dev)) throw cause;
  await unlink(path).catch((error: unknown) => {
    throw fromSystem(error, { during: 'listen', what: path });
  });
}

function stopped(code: ErrorCode, path: string, why: string, cause: QWormholeError): QWormholeError {
  return new QWormholeError(code, `Cannot listen on ${path}: ${why}`, { cause, details: { what: path } });
}

/** Whether nobody takes connections there. */
function isStale(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.on('connect', () => (resolve(false), probe.destroy()));
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

/** Before that the umask rules, which by default lets nobody in that is not the owner. */
async function permit(path: string, mode: number | undefined, listener: LinkListener): Promise<void> {
  if (mode === undefined) return;
  try {
    await chmod(path, mode);
  } catch (error) {
    await listener.close();
    throw fromSystem(error, { during: 'listen', what: path });
  }
}
