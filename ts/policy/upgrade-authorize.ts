/** The application's own verdict on who may come in. */
import { describe } from '../describe.js';
import { QWormholeError } from '../errors/error.js';
import { checkClose } from '../sending.js';
import type { OpeningRequest } from './upgrade-request.js';
import { checkOffered } from './upgrade-subprotocol.js';

/** The client may come in. */
export interface Welcome {
  /** Becomes `connection.user`. */
  readonly user?: unknown;
  /** One of those that the client offers. Default: as the option `subprotocols` says. */
  readonly subprotocol?: string;
}

/** It may not, and an HTTP status says so. A page in a browser cannot read it. */
export interface RefusalByStatus {
  /** 400 to 599. */
  readonly status: number;
  /** A few words, 16 KiB at most. */
  readonly body?: string;
}

/** It may not, and the connection is opened to be closed with this code, which a page can read. */
export interface RefusalByClose {
  readonly closeCode: number;
  readonly reason?: string;
}

/** What `authorize` answers; nothing at all means welcome. */
export type Verdict = Welcome | RefusalByStatus | RefusalByClose | void | undefined;

/** Decides who may open a WebSocket. */
export type Authorize = (request: OpeningRequest) => Verdict | PromiseLike<Verdict>;

const MIN_STATUS = 400;
const MAX_STATUS = 599;
/** Bytes of a refusal's body: more is no reason but a page. */
const MAX_BODY = 16 * 1024;

/** A verdict in one of three forms. @throws QWormholeError for one that is none. */
export function checkVerdict(
  verdict: unknown,
  offered: readonly string[],
): Welcome | RefusalByStatus | RefusalByClose {
  if (verdict === undefined) return {};
  if (typeof verdict !== 'object' || verdict === null) throw invalid(verdict, 'is not an object');
  if ('status' in verdict) return checkStatus(verdict as RefusalByStatus);
  if ('closeCode' in verdict) {
    const { closeCode, reason = '' } = verdict as RefusalByClose;
    checkClose(closeCode, reason, { carrier: 'ws', protocol: 'raw' });
    return { closeCode, reason };
  }
  const { user, subprotocol } = verdict as Welcome;
  return subprotocol === undefined ? { user } : { user, subprotocol: checkOffered(subprotocol, offered) };
}

function checkStatus({ status, body = '' }: RefusalByStatus): RefusalByStatus {
  const isStatus = Number.isInteger(status) && status >= MIN_STATUS && status <= MAX_STATUS;
  if (!isStatus) throw invalid(status, `is not a status from ${MIN_STATUS} to ${MAX_STATUS}`);
  if (typeof body !== 'string') throw invalid(body, 'is not a body: that is a string');
  const size = Buffer.byteLength(body);
  if (size > MAX_BODY) throw tooLong(size);
  return { status, body };
}

function tooLong(size: number): QWormholeError {
  const message = `authorize answered a body of ${size} bytes; a refusal has ${MAX_BODY} at most`;
  return new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'authorize' } });
}

function invalid(value: unknown, why: string): QWormholeError {
  return new QWormholeError('ERR_QW_OPTION_INVALID', `authorize answered ${describe(value)}, which ${why}`, {
    details: { option: 'authorize' },
  });
}
