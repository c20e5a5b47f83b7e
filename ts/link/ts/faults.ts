/** What this backend itself finds wrong. */
import { fromSystem, QWormholeError } from '../../errors/error.js';
import type { LinkInfo } from '../link.js';
import { peerText } from '../place.js';
import { faultOfTls } from './tls-faults.js';

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

/** What a peer is told that exceeds a hard rate. */
export const RATE_EXCEEDED = 'the peer sends more than its rate allows';

/** More came than a hard bound allows. */
export function rateLimited(): QWormholeError {
  return new QWormholeError('ERR_QW_RATE_LIMITED', 'The peer sends more than its rate allows');
}

/** The link held the most of a full budget for too long, all of it of a message that does not come to its end. */
export function outOfBudget(held: number, budget: number): QWormholeError {
  const message = `The memory budget of ${budget} bytes is used up, and ${held} bytes of it wait for the rest of a message`;
  return new QWormholeError('ERR_QW_RESOURCES', message, { details: { held, budget } });
}

/** The connection of QWH/1 is gone, and its peer has not said that it leaves. */
export function lostWithoutGoAway(info: LinkInfo, cause: Error | undefined): QWormholeError {
  if (cause instanceof QWormholeError) return cause;
  const context = { during: 'io', what: peerText(info) } as const;
  const why = cause ?? 'the peer ended the stream without a GOAWAY';
  return info.tls === undefined ? fromSystem(why, context) : faultOfTls(why, context);
}
