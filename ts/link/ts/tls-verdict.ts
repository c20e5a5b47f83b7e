/** The judge's answer about a peer, at once where it has one. */
import type { QWormholeError } from '../../errors/error.js';
import { refusalOf } from '../fault.js';
import type { TlsJudge, TlsPeer } from '../tls.js';

/** Exactly one of both is called, from within the call or later. */
export interface Verdict {
  accept(): void;
  refuse(error: QWormholeError): void;
}

/** Asks the judge; without one everybody is accepted. */
export function judge(ask: TlsJudge | undefined, peer: TlsPeer, { accept, refuse }: Verdict): void {
  const fail = (error: unknown): void => refuse(refusalOf(error));
  let answer: void | Promise<void>;
  try {
    answer = ask?.(peer);
  } catch (error) {
    return fail(error);
  }
  if (answer === undefined) accept();
  else answer.then(accept, fail);
}
