/**
 * The one number space of close codes: why a connection was refused or ended, on every carrier and
 * protocol. A carrier without a close frame loses the number on the way; it is logged on this side.
 */

/** What a close code is, beyond its number. */
export interface CloseCodeFacts {
  readonly code: number;
  readonly meaning: string;
  /** A client may try again, here or elsewhere, without a change to the program. */
  readonly retriable: boolean;
}

function facts(code: number, meaning: string, retriable = false): CloseCodeFacts {
  return Object.freeze({ code, meaning, retriable });
}

/** Every close code by its name. */
export const CLOSE_CODES = Object.freeze({
  ok: facts(0x00, 'Ended on purpose, nothing is wrong.'),
  version: facts(0x01, 'No protocol version in common.'),
  protocol: facts(0x02, 'The peer broke the rules of the protocol.'),
  auth_failed: facts(0x03, 'The peer could not prove who it is.'),
  rejected_by_policy: facts(0x04, 'Refused or ended by a rule of the application.'),
  caps: facts(0x05, 'A required capability is missing.'),
  flow: facts(0x06, 'The peer sent more than it was allowed to.'),
  too_big: facts(0x07, 'A message above the size limit.'),
  timeout: facts(0x08, 'The peer did not answer in time.', true),
  idle: facts(0x09, 'Nothing was received for too long.', true),
  shutdown: facts(0x0a, 'The server is going away: connect elsewhere or later.', true),
  taken_over: facts(0x0b, 'Another connection took over this session.'),
  rate_limited: facts(0x0c, 'Too much in too short a time.', true),
  internal: facts(0x0d, 'A fault of this side.'),
  tamper: facts(0x0e, 'Received data fail authentication. Only ever seen locally, never sent.'),
  refused_stream: facts(0x0f, 'A stream was not accepted.', true),
  cancelled: facts(0x10, 'The operation was cancelled.'),
  deadline: facts(0x11, 'The deadline of an operation passed.'),
  security: facts(0x12, 'The required level of security was not reached.'),
  suite: facts(0x13, 'No cipher suite or handshake pattern in common.'),
  ticket_unknown: facts(0x14, 'The resumption ticket is not known here.'),
  busy: facts(0x15, 'No room for another connection at the moment.', true),
  bad_preamble: facts(0x16, 'The first bytes are not those of this protocol.'),
  codec: facts(0x17, 'The two ends use different codecs.'),
});

/** The name of a close code. */
export type CloseCodeName = keyof typeof CLOSE_CODES;

/** The numbers alone: `CloseCode.shutdown === 10`. */
export const CloseCode = Object.freeze(
  Object.fromEntries(Object.entries(CLOSE_CODES).map(([name, { code }]) => [name, code])),
) as { readonly [Name in CloseCodeName]: number };

const NAMES = Object.keys(CLOSE_CODES) as CloseCodeName[];
const BY_NUMBER = new Map(NAMES.map((name) => [CLOSE_CODES[name].code, name]));

/** The name of a number, `undefined` for one that is not in the table. */
export function closeCodeName(code: number): CloseCodeName | undefined {
  return BY_NUMBER.get(code);
}

/** Whether a client may try again after this code; an unknown code says no. */
export function isRetriableClose(code: number): boolean {
  const name = BY_NUMBER.get(code);
  return name !== undefined && CLOSE_CODES[name].retriable;
}
