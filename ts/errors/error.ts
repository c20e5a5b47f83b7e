/** The errors of this library: the class, and what several places make of it. */
import { QWormholeError } from './base.js';

export { QWormholeError, type ErrorContext } from './base.js';
export type { ErrorCode, ErrorKind } from './codes.js';
export { fromSystem, type SystemContext } from './system.js';

/** A message of `size` bytes where `limit` are allowed. */
export function tooBig(size: number, limit: number): QWormholeError {
  const message = `A message of ${size} bytes is larger than the limit of ${limit} bytes`;
  return new QWormholeError('ERR_QW_TOO_BIG', message, { details: { size, limit } });
}

/** @param what The thing that is closed, such as `connection` or `server`. */
export function closed(what: string): QWormholeError {
  return new QWormholeError('ERR_QW_CLOSED', `The ${what} is closed`, { details: { what } });
}

/** The abort of an operation; `cause` is the signal's reason. */
export function aborted(signal: AbortSignal): QWormholeError {
  return new QWormholeError('ERR_QW_ABORTED', undefined, { cause: signal.reason });
}
