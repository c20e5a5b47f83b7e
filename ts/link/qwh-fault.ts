/** Handshakes of QWH/1 that failed, and connections that broke its rules, as errors; equal on both drivers. */
import { CloseCode, isRetriableClose } from '../close-codes.js';
import { QWormholeError, type ErrorCode } from '../errors/error.js';
import { misfitOf, type Failure, type Fault, type Hello } from '../qwh/index.js';
import { printable } from './printable.js';

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

/**
 * Why there is no connection. A peer's reason goes into the message without what terminals act on, and into the
 * details as it came; `ours` is the HELLO that the peer's does not fit, where that is why.
 */
export function handshakeFailure(
  { code: closeCode, reason, origin, retryAfterMs, misfit }: Failure,
  ours?: Hello,
): QWormholeError {
  const mismatch = ours !== undefined && misfit !== undefined ? misfitOf(ours, misfit) : undefined;
  const why = mismatch?.why ?? reason;
  const details = {
    closeCode,
    retryAfterMs,
    ...(reason !== '' && { reason }),
    ...mismatch?.details,
  };
  const isBroken = origin === 'local' && BROKEN.has(closeCode);
  const [code, who] = isBroken
    ? (['ERR_QW_HANDSHAKE', 'The handshake failed'] as const)
    : (['ERR_QW_HANDSHAKE_REFUSED', WHO[origin]] as const);
  const message = `${who} with code ${closeCode}${why === '' ? '' : `: ${printable(why)}`}`;
  // Of a handshake that was broken nobody knows whether it can go better.
  const retriable = isBroken ? {} : { retriable: isRetriableClose(closeCode) };
  return new QWormholeError(code, message, { closeCode, details, ...retriable });
}

const WHO = { local: 'The peer was refused', remote: 'The peer refused the handshake' } as const;

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
  const details = { closeCode: code, reason: message };
  const said = message.charAt(0).toUpperCase() + message.slice(1);
  return new QWormholeError(RULES[code] ?? 'ERR_QW_PROTOCOL', said, { closeCode: code, details });
}
