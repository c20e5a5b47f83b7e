/**
 * Who gets in through a WebSocket's opening handshake: path, room, origin and the application's own verdict,
 * in this order, so that what costs least is asked first. The backend keeps the time of it all; an answer
 * that comes too late does nothing.
 */
import { QWormholeError } from '../errors/error.js';
import type { HandshakeStats } from '../stats.js';
import type { Link, Protocol, Upgrade, UpgradeRequest } from '../link/link.js';
import {
  checkVerdict,
  type Authorize,
  type RefusalByClose,
  type RefusalByStatus,
  type Welcome,
} from './upgrade-authorize.js';
import { QWH_SUBPROTOCOL } from '../link/qwh.js';
import type { HandshakeMode } from '../options/qwh.js';
import { isOriginAllowed, warnOriginRefused, type OriginRules } from './upgrade-origin.js';
import { OpeningRequest } from './upgrade-request.js';
import { chooseSubprotocol, type SubprotocolChoice } from './upgrade-subprotocol.js';

/** What the options say. */
export interface UpgradeRules extends OriginRules {
  readonly authorize: Authorize | undefined;
  readonly subprotocols: readonly string[] | SubprotocolChoice;
  readonly handshake: HandshakeMode;
}

/** A client that was let in. */
export interface Admission {
  readonly link: Link;
  readonly protocol: Protocol;
  readonly request: UpgradeRequest;
  readonly user: unknown;
}

/** The server, as the policy needs it. */
export interface UpgradeHost {
  /** There is room, and the server is not closing. Counts a refusal. */
  hasRoom(address: string): boolean;
  report(error: QWormholeError): void;
  /** Counts what became of a handshake. */
  settled(result: keyof HandshakeStats): void;
  /** The connection of one that was let in is open, so many ms after it asked. */
  opened(ms: number): void;
  /** Closes a link that was opened only for this. */
  dismiss(link: Link, code: number, reason: string): void;
}

/** Where a client has come to. */
export interface Destination {
  /** The protocol of a path, `undefined` for one that is not served. */
  protocolOf(path: string): Protocol | undefined;
  /** Only this machine can reach it. */
  readonly isLocal: boolean;
  admit(admission: Admission): void;
}

/** A request on its way. */
interface Case {
  readonly upgrade: Upgrade;
  readonly request: OpeningRequest;
  readonly protocol: Protocol;
  readonly destination: Destination;
  /** When it asked, ms. */
  readonly since: number;
}

const OTHERS_ONLY = `Only the subprotocol ${QWH_SUBPROTOCOL} is spoken here.`;
const TRY_LATER = 'The server takes no more connections at the moment.';

export class UpgradePolicy {
  readonly #rules: UpgradeRules;
  readonly #host: UpgradeHost;

  constructor(rules: UpgradeRules, host: UpgradeHost) {
    this.#rules = rules;
    this.#host = host;
  }

  /** Accepts or refuses, now or when `authorize` has answered. */
  decide(upgrade: Upgrade, destination: Destination): void {
    const request = new OpeningRequest(upgrade.request);
    const protocol = destination.protocolOf(request.path);
    if (protocol === undefined) return this.#refuse(upgrade, 404, 'There is no WebSocket at this path.');
    if (protocol === 'qwh' && !this.#isSpoken(request)) return this.#refuse(upgrade, 400, OTHERS_ONLY);
    if (!this.#host.hasRoom(request.remoteAddress)) return this.#refuse(upgrade, 503, TRY_LATER);
    if (!isOriginAllowed(this.#rules, request, destination.isLocal)) {
      warnOriginRefused(request);
      return this.#refuse(upgrade, 403, 'This origin is not allowed.');
    }
    this.#authorize({ upgrade, request, protocol, destination, since: performance.now() });
  }

  #authorize(pending: Case): void {
    const { authorize } = this.#rules;
    const { upgrade, request } = pending;
    const onVerdict = (verdict: unknown): void => this.#settle(pending, verdict);
    upgrade.onGone = () => {
      this.#host.settled('abandoned');
      request.abandon();
    };
    let verdict: unknown;
    let isLater: boolean;
    try {
      verdict = authorize?.(request);
      // The application's code too: what it answers may have a getter.
      isLater = typeof (verdict as PromiseLike<unknown> | undefined)?.then === 'function';
    } catch (error) {
      return this.#fail(pending, error);
    }
    if (!isLater) return onVerdict(verdict);
    Promise.resolve(verdict).then(onVerdict, (error: unknown) => this.#fail(pending, error));
  }

  #settle(pending: Case, answer: unknown): void {
    const { upgrade, request, protocol, destination, since } = pending;
    if (request.isAbandoned) return;
    let verdict: Welcome | RefusalByStatus | RefusalByClose;
    let subprotocol: string;
    try {
      verdict = checkVerdict(answer, request.subprotocols);
      if ('status' in verdict) return this.#refuse(upgrade, verdict.status, verdict.body ?? '');
      const own = 'subprotocol' in verdict ? verdict.subprotocol : undefined;
      subprotocol = this.#choose(protocol, request, own);
    } catch (error) {
      return this.#fail(pending, error);
    }
    if ('closeCode' in verdict) return this.#dismiss(upgrade, subprotocol, verdict);
    // It may have become full while the verdict was waited for.
    if (!this.#host.hasRoom(request.remoteAddress)) return this.#refuse(upgrade, 503, TRY_LATER);
    const { user } = verdict as Welcome;
    this.#host.settled('accepted');
    const admission = { protocol, request: upgrade.request, user };
    upgrade.accept(subprotocol, (link) => {
      this.#host.opened(performance.now() - since);
      destination.admit({ link, ...admission });
    });
  }

  /** Peers of qwh ask for its subprotocol; others are let in unless it is required. */
  #isSpoken({ subprotocols }: OpeningRequest): boolean {
    return this.#rules.handshake !== 'required' || subprotocols.includes(QWH_SUBPROTOCOL);
  }

  /** `own`: what `authorize` has chosen. Whoever asks for qwh where it is spoken gets that. */
  #choose(protocol: Protocol, request: OpeningRequest, own: string | undefined): string {
    const { handshake, subprotocols } = this.#rules;
    const isQwh = protocol === 'qwh' && handshake !== 'off' && request.subprotocols.includes(QWH_SUBPROTOCOL);
    return isQwh ? QWH_SUBPROTOCOL : (own ?? chooseSubprotocol(subprotocols, request));
  }

  #refuse(upgrade: Upgrade, status: number, body: string): void {
    this.#host.settled('refused');
    upgrade.refuse(status, body);
  }

  /** A page whose subprotocols are all unknown here would never get to see the code: any of them will do. */
  #dismiss(upgrade: Upgrade, subprotocol: string, { closeCode, reason = '' }: RefusalByClose): void {
    this.#host.settled('refused');
    const [offered = ''] = upgrade.request.subprotocols;
    upgrade.accept(subprotocol === '' ? offered : subprotocol, (link) =>
      this.#host.dismiss(link, closeCode, reason),
    );
  }

  /** The application's own code failed: that is told here, and not to the client. */
  #fail({ upgrade, request }: Case, cause: unknown): void {
    // It did as it was told.
    if (request.isAbandoned && isAbort(cause, request.signal)) return;
    if (!request.isAbandoned) this.#host.settled('failed');
    upgrade.refuse(500, 'The request could not be decided.');
    const message = 'A WebSocket was refused because the decision about it failed';
    this.#host.report(new QWormholeError('ERR_QW_HANDSHAKE', message, { cause }));
  }
}

/** Whether something failed because of a signal: with its reason, or as much of Node does, with an error of its own. */
function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  if (error === reason) return true;
  if (!(error instanceof Error)) return false;
  return error.name === 'AbortError' || error.cause === reason;
}
