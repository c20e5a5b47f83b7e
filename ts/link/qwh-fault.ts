/** Handshakes of QWH/1 that failed, and connections that broke its rules, as errors; equal on both drivers. */
import { CloseCode } from '../close-codes.js';
import { QWormholeError, type ErrorCode } from '../errors/error.js';
import type { Failure, Fault } from '../qwh/index.js';

/** The peer says that we broke a rule: it reads nothing more. */
export const HOSTILE: ReadonlySet<number> = new Set([
  CloseCode.protocol,
  CloseCode.too_big,
  CloseCode.rate_limited,
  CloseCode.flow,
]);

/** What a peer that does not follow the rules is refused with. */
const BROKEN: ReadonlySet<number> = new Set([
  CloseCode.protocol,
  CloseCode.too_big,
  CloseCode.bad_preamble,
  CloseCode.timeout,
]);

const RULES: Partial<Record<number, ErrorCode>> = {
  [CloseCode.too_big]: 'ERR_QW_TOO_BIG',
  [CloseCode.rate_limited]: 'ERR_QW_FLOOD',
};

/** Why there is no connection. */
export function handshakeFailure({ code, reason, origin, retryAfterMs }: Failure): QWormholeError {
  const why = reason === '' ? '' : `: ${reason}`;
  const details = { closeCode: code, retryAfterMs };
  if (origin === 'local' && BROKEN.has(code)) {
    const message = `The handshake failed with code ${code}${why}`;
    return new QWormholeError('ERR_QW_HANDSHAKE', message, { closeCode: code, details });
  }
  const who = origin === 'local' ? 'The peer was refused' : 'The peer refused the handshake';
  const message = `${who} with code ${code}${why}`;
  return new QWormholeError('ERR_QW_HANDSHAKE_REFUSED', message, { closeCode: code, details });
}

/** Whether a connection went as those go that the other end does not want: by its end, or by a reset. */
export function isCut(cause: NodeJS.ErrnoException | undefined): boolean {
  return cause === undefined || cause.code === 'ECONNRESET' || cause.code === 'EPIPE';
}

/** A server has ended the connection, by a reset or in order, without a byte of an answer. */
export function unanswered(cause: unknown): QWormholeError {
  const message =
    'The server ended the connection without an answer: it may not speak qwh, so set `protocol` to what it speaks';
  const context = { closeCode: CloseCode.timeout, details: { closeCode: CloseCode.timeout } };
  return new QWormholeError(
    'ERR_QW_HANDSHAKE',
    message,
    cause === undefined ? context : { ...context, cause },
  );
}

/** What a peer did wrong on an open connection. */
export function ruleBroken({ code, message }: Fault): QWormholeError {
  const details = { closeCode: code };
  const said = message.charAt(0).toUpperCase() + message.slice(1);
  return new QWormholeError(RULES[code] ?? 'ERR_QW_PROTOCOL', said, { closeCode: code, details });
}
