/** Which of the subprotocols that a client offers is spoken. */
import { describe } from '../describe.js';
import { QWormholeError } from '../errors/error.js';
import type { OpeningRequest } from './upgrade-request.js';

/** Chooses one of those offered; `undefined` for none. */
export type SubprotocolChoice = (
  offered: readonly string[],
  request: OpeningRequest,
) => string | null | undefined;

/**
 * The subprotocol of a connection, empty for none: the server's order decides, not the client's.
 * @throws what a function throws, and `ERR_QW_HANDSHAKE` if it chose what was not offered.
 */
export function chooseSubprotocol(
  spoken: readonly string[] | SubprotocolChoice,
  request: OpeningRequest,
): string {
  const offered = request.subprotocols;
  if (offered.length === 0) return '';
  if (typeof spoken !== 'function') return spoken.find((name) => offered.includes(name)) ?? '';
  return checkOffered(spoken(offered, request) ?? '', offered);
}

/** Throws for a subprotocol that the client does not speak: it would hang up. */
export function checkOffered(name: unknown, offered: readonly string[]): string {
  if (name === '' || (typeof name === 'string' && offered.includes(name))) return name;
  const message = `The subprotocol ${describe(name)} was chosen, which the client did not offer`;
  throw new QWormholeError('ERR_QW_HANDSHAKE', message, { details: { offered: [...offered] } });
}
