/** Whom a valid handshake is not enough for: pins, revoked fingerprints, and the application's own verdict. */
import { QWormholeError } from '../errors/error.js';
import type { TlsJudge, TlsPeer } from '../link/tls.js';
import { kindOf } from '../options/untold.js';
import { Fingerprints, fingerprintsOf, parsed } from './fingerprint.js';
import { peerSession } from './session.js';
import type { VerifyPeer } from './types.js';

/** What the options say. */
export interface JudgeRules {
  readonly pins?: readonly string[];
  readonly revoked?: readonly string[];
  readonly verify?: VerifyPeer;
}

/** The judge for a backend; none where there is nothing to judge. */
export function judgeFor({ pins, revoked = [], verify }: JudgeRules): TlsJudge | undefined {
  if (pins === undefined && revoked.length === 0 && verify === undefined) return undefined;
  const pinned = pins && new Fingerprints(parsed(pins));
  const banned = new Fingerprints(parsed(revoked));
  return (peer) => {
    // What needs no time first: its refusal leaves the handshake before the peer believes it is through.
    checkRevoked(peer, banned);
    if (pinned !== undefined) checkPinned(peer, pinned);
    return verify === undefined ? undefined : ask(verify, peer);
  };
}

/** Only its own certificate has been proved to be the peer's: anybody can send others along. */
function checkPinned({ info, ...peer }: TlsPeer, pinned: Fingerprints): void {
  const [der] = info.peerChain;
  if (der !== undefined && pinned.find(der) !== undefined) return;
  const own = der === undefined ? undefined : fingerprintsOf(der);
  const what = own === undefined ? 'sent no certificate' : 'has a certificate that is not pinned';
  const message = `${addressOf(peer)} ${what}`;
  const details = own === undefined ? {} : { spki: own.spki, cert: own.cert };
  throw new QWormholeError('ERR_QW_TLS_PIN', message, { details });
}

function checkRevoked({ info, ...peer }: TlsPeer, banned: Fingerprints): void {
  for (const der of info.peerChain) {
    const hit = banned.find(der);
    if (hit === undefined) continue;
    const message = `${addressOf(peer)} has a certificate that is revoked`;
    throw new QWormholeError('ERR_QW_TLS_REVOKED', message, { details: { [hit.of]: hit.hex } });
  }
}

/** Only `true` admits. */
function ask(verify: VerifyPeer, peer: TlsPeer): void | Promise<void> {
  const decide = (verdict: unknown): void => {
    // A verdict that was forgotten is none in favour.
    if (verdict !== true)
      throw refused(
        peer,
        verdict === false ? 'verify answered false' : `what verify answered is ${kindOf(verdict)}, not true`,
      );
  };
  const fail = (cause: unknown): never => {
    throw refused(peer, 'verify failed', cause);
  };
  let verdict: unknown;
  try {
    verdict = verify(peerSession(peer));
  } catch (cause) {
    return fail(cause);
  }
  if (typeof (verdict as PromiseLike<unknown> | undefined)?.then !== 'function') return decide(verdict);
  return Promise.resolve(verdict).then(decide, fail);
}

function refused(peer: TlsPeer, why: string, cause?: unknown): QWormholeError {
  const message = `The application refused ${addressOf(peer)}: ${why}`;
  return new QWormholeError('ERR_QW_TLS_REFUSED', message, cause === undefined ? {} : { cause });
}

function addressOf({ remoteAddress, remotePort }: Pick<TlsPeer, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress}:${remotePort}`;
}
