/** Faults as both drivers have them, and the close code of a link that ends by one. */
import { CloseCode } from '../close-codes.js';
import { type ErrorCode, QWormholeError } from '../errors/error.js';
import type { LinkClose } from './link.js';

/** WebSocket's own number: the table has no other carrier's. */
const INVALID_UTF8 = 1007;

const CODES: Partial<Record<ErrorCode, number>> = {
  ERR_QW_TOO_BIG: CloseCode.too_big,
  ERR_QW_TRUNCATED: CloseCode.protocol,
  ERR_QW_PROTOCOL: CloseCode.protocol,
  ERR_QW_FLOOD: CloseCode.rate_limited,
  ERR_QW_RATE_LIMITED: CloseCode.rate_limited,
  ERR_QW_INVALID_UTF8: INVALID_UTF8,
  ERR_QW_HANDSHAKE: CloseCode.protocol,
  ERR_QW_UPGRADE_REFUSED: CloseCode.rejected_by_policy,
  ERR_QW_TLS_PIN: CloseCode.rejected_by_policy,
  ERR_QW_TLS_REVOKED: CloseCode.rejected_by_policy,
  ERR_QW_TLS_REFUSED: CloseCode.rejected_by_policy,
  ERR_QW_TLS_HANDSHAKE: CloseCode.protocol,
  ERR_QW_TLS_ALERT: CloseCode.protocol,
};

/** No connection in time. */
export function connectTimeout(what: string, timeoutMs: number): QWormholeError {
  const message = `Cannot connect to ${what} within ${timeoutMs} ms`;
  return new QWormholeError('ERR_QW_CONNECT_TIMEOUT', message, { details: { what, timeoutMs } });
}

/** The peer has left, and what it sent is for nobody. */
export function unheard(): QWormholeError {
  const message = 'The peer has ended its side, and nobody listens for what it sent';
  return new QWormholeError('ERR_QW_CONNECTION_LOST', message);
}

/** What a peer is refused for, of what a judge of TLS has thrown. */
export function refusalOf(cause: unknown): QWormholeError {
  return cause instanceof QWormholeError
    ? cause
    : new QWormholeError('ERR_QW_TLS_REFUSED', undefined, { cause });
}

/** An unclean end; a fault that is no peer's doing counts as ours. Its reason is what the peer is told, if it is. */
export function faultClose(error: QWormholeError): LinkClose {
  // A peer that is gone without a word did, as far as anyone can tell, not answer any more.
  const byKind = error.kind === 'network' ? CloseCode.timeout : CloseCode.internal;
  const code = error.closeCode ?? CODES[error.code] ?? byKind;
  const told = error.details?.reason;
  const reason = typeof told === 'string' ? told : error.summary;
  return { code, reason, clean: false, error };
}
