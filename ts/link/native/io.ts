/** Where the native backend serves sockets, in the end: the policy decides, and the system has to have it. */
import { QWormholeError } from '../../errors/error.js';
import { assertInline, decideIo, ioHost, type IoDecision, type IoPreference } from '../../policy/io.js';
import type { Exchanges } from './exchanges.js';

/**
 * Decides, and starts inline I/O where that is the decision: whether the system has what it needs is known only then.
 * Where inline I/O would be better and cannot be had, threads do, and the reason is why.
 * @throws QWormholeError `ERR_QW_OPTION_UNSUPPORTED` where it is demanded.
 */
export function settleIo(all: Exchanges, preference: IoPreference, host = ioHost()): IoDecision {
  const decision = decideIo(preference, host);
  assertInline(decision, host);
  if (decision.io !== 'inline') return decision;
  try {
    all.inline();
    return decision;
  } catch (error) {
    if (decision.forced || !(error instanceof QWormholeError)) throw error;
    return { io: 'threads', reason: error.summary, forced: false };
  }
}
