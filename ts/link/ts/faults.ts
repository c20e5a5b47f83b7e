/** What this backend itself finds wrong. */
import { QWormholeError } from '../../errors/error.js';

/** The stream ended `held` bytes into a message. */
export function truncated(held: number): QWormholeError {
  const message = `The stream ended inside a message, ${held} bytes into it`;
  return new QWormholeError('ERR_QW_TRUNCATED', message, { details: { held } });
}

/** The peer neither took our bytes nor ended its side. */
export function closeTimeout(timeoutMs: number): QWormholeError {
  const message = `The peer did not end its side within ${timeoutMs} ms`;
  return new QWormholeError('ERR_QW_CLOSE_TIMEOUT', message, { details: { timeoutMs } });
}

/** No connection in time. */
export function connectTimeout(what: string, timeoutMs: number): QWormholeError {
  const message = `Cannot connect to ${what} within ${timeoutMs} ms`;
  return new QWormholeError('ERR_QW_CONNECT_TIMEOUT', message, { details: { what, timeoutMs } });
}
