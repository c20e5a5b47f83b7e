/** What the system says, in our words. */
import { QWormholeError } from './base.js';
import type { ErrorCode } from './codes.js';

/** What was being done when the system refused. */
export interface SystemContext {
  /** The phase: the same errno means different things while connecting and afterwards. */
  readonly during: 'load' | 'listen' | 'accept' | 'connect' | 'io';
  /** The endpoint as a URL, or another name that the message can use. */
  readonly what: string;
  /** The close code of the connection that ends by this error. */
  readonly closeCode?: number;
}

const ANY_TIME: Readonly<Record<string, ErrorCode>> = {
  EADDRINUSE: 'ERR_QW_ADDRESS_IN_USE',
  EADDRNOTAVAIL: 'ERR_QW_ADDRESS_UNAVAILABLE',
  EAFNOSUPPORT: 'ERR_QW_ADDRESS_UNAVAILABLE',
  ENODEV: 'ERR_QW_ADDRESS_UNAVAILABLE',
  ENXIO: 'ERR_QW_ADDRESS_UNAVAILABLE',
  EACCES: 'ERR_QW_PERMISSION',
  EPERM: 'ERR_QW_PERMISSION',
  ENOTFOUND: 'ERR_QW_DNS',
  EMFILE: 'ERR_QW_RESOURCES',
  ENFILE: 'ERR_QW_RESOURCES',
  ENOMEM: 'ERR_QW_RESOURCES',
  ENOBUFS: 'ERR_QW_RESOURCES',
  // Of a Unix socket, which is a file.
  ENOSPC: 'ERR_QW_RESOURCES',
  EDQUOT: 'ERR_QW_RESOURCES',
};

const CONNECTING: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'ERR_QW_CONNECT_REFUSED',
  // Of a path.
  ENOENT: 'ERR_QW_CONNECT_REFUSED',
  ETIMEDOUT: 'ERR_QW_CONNECT_TIMEOUT',
};

const OTHERWISE: Readonly<Record<SystemContext['during'], ErrorCode>> = {
  load: 'ERR_QW_INTERNAL',
  listen: 'ERR_QW_ADDRESS_UNAVAILABLE',
  // accept(2) gives what has become of the connection meanwhile.
  accept: 'ERR_QW_CONNECTION_LOST',
  connect: 'ERR_QW_CONNECT_FAILED',
  io: 'ERR_QW_CONNECTION_LOST',
};

const VERBS: Readonly<Record<SystemContext['during'], string>> = {
  load: 'Cannot load',
  listen: 'Cannot listen on',
  accept: 'Cannot accept connections on',
  connect: 'Cannot connect to',
  io: 'Lost the connection with',
};

/** Turns an error of the system or of Node into ours, with the original as its cause; ours stay as they are. */
export function fromSystem(error: unknown, context: SystemContext): QWormholeError {
  if (error instanceof QWormholeError) return error;
  const { code: errno, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (errno === 'ABORT_ERR') {
    return new QWormholeError('ERR_QW_ABORTED', undefined, { cause: (error as Error).cause ?? error });
  }
  const { during, what, closeCode } = context;
  const reason = errno ?? (error instanceof Error ? error.message : String(error));
  const details = { ...(errno !== undefined && { errno }), ...(syscall !== undefined && { syscall }), what };
  return new QWormholeError(codeFor(errno, syscall, during), `${VERBS[during]} ${what}: ${reason}`, {
    cause: error,
    closeCode,
    details,
  });
}

function codeFor(errno = '', syscall: string | undefined, during: SystemContext['during']): ErrorCode {
  if (errno.startsWith('EAI_')) return 'ERR_QW_DNS';
  // connect(2) says so for want of a route or of a free local port, bind(2) for a foreign address.
  if (errno === 'EADDRNOTAVAIL' && syscall === 'connect') return 'ERR_QW_CONNECT_FAILED';
  // Once a connection stands, whatever ends it is a loss, except that this machine ran dry.
  const known = ANY_TIME[errno];
  if (during === 'io') return known === 'ERR_QW_RESOURCES' ? known : OTHERWISE.io;
  return known ?? (during === 'connect' ? CONNECTING[errno] : undefined) ?? OTHERWISE[during];
}
