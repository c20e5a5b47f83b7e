/** Where those who call a server arrive: at an endpoint, or through an HTTP server that it is attached to. */
import { CloseCode } from './close-codes.js';
import type { MessageTypes } from './codec/codec.js';
import { isLoopback } from './endpoint.js';
import type { QWormholeError } from './errors/error.js';
import { isWebSocket } from './link/carriers.js';
import type { Link, ListenerHandler, Protocol } from './link/link.js';
import type { ServerSettings, SettledEndpoint } from './options/settings.js';
import type { QwhHost } from './policy/handshake.js';
import { UpgradePolicy, type Admission } from './policy/upgrade.js';
import type { Roster } from './roster.js';

/** The part of an endpoint that matters once somebody has called. */
export type Desk = Pick<SettledEndpoint, 'protocol' | 'path'>;

/** The server, as those who arrive need it. */
export interface ReceptionVoice {
  report(error: QWormholeError): void;
  handshakeFailed(error: QWormholeError, remoteAddress: string, remotePort: number): void;
}

/** What a peer of an endpoint speaks: where that is qwh, others may be let in. */
function spokenOn({ info: { handshake, route } }: Link, protocol: Protocol): Protocol {
  if (protocol !== 'qwh' || handshake !== undefined) return protocol;
  return isWebSocket(route.carrier) ? 'raw' : 'length-prefixed';
}

export class Reception<C extends MessageTypes> {
  readonly #roster: Roster<C>;
  readonly #voice: ReceptionVoice;
  readonly #policy: UpgradePolicy;
  /** Who is asked about peers that shake hands. */
  readonly qwhHost: QwhHost;

  constructor(settings: ServerSettings, roster: Roster<C>, voice: ReceptionVoice) {
    this.#roster = roster;
    this.#voice = voice;
    this.qwhHost = {
      refusalOf: (address) => roster.refusalOf(address),
      sample: roster.profile?.sample,
      momentToReturn: () => roster.momentToReturn(),
      report: voice.report,
    };
    this.#policy = new UpgradePolicy(settings, {
      hasRoom: (address) => roster.hasRoom(address),
      dismiss: (link, code, reason) => roster.dismiss(link, code, reason),
      report: voice.report,
      settled: (result) => void (roster.handshakes[result] += 1),
      opened: (ms) => roster.handshakeTimes.record(ms),
    });
  }

  /**
   * Who hears of one socket: that of one endpoint, or of several that differ in their paths.
   * @param host Where it listens, once somebody has called.
   */
  at(desks: readonly Desk[], host: () => string): ListenerHandler {
    const roster = this.#roster;
    const [{ protocol }] = desks;
    const byPath = new Map(desks.map((desk) => [desk.path, desk.protocol]));
    const destination = {
      protocolOf: (path: string) => byPath.get(path),
      get isLocal() {
        return isLoopback(host());
      },
      admit: ({ link, protocol: wished, ...rest }: Admission) =>
        roster.admit({ link, protocol: spokenOn(link, wished), ...rest }),
    };
    return {
      onLink: (link) => roster.admit({ link, protocol: spokenOn(link, protocol) }),
      onUpgrade: (upgrade) => this.#policy.decide(upgrade, destination),
      onHandshakeError: (error, address, port) => {
        this.#count(error);
        this.#voice.handshakeFailed(error, address, port);
      },
      onError: this.#voice.report,
    };
  }

  /** Of WebSocket are those that were answered with a status, or had no place. */
  #count({ code, closeCode, details }: QWormholeError): void {
    const isOpening = details?.status !== undefined || details?.maxPendingHandshakes !== undefined;
    const { handshakes, qwhHandshakes } = this.#roster;
    if (isOpening) handshakes.failed += 1;
    else if (code === 'ERR_QW_HANDSHAKE_REFUSED') qwhHandshakes.refused += 1;
    else qwhHandshakes[closeCode === CloseCode.timeout ? 'timedOut' : 'failed'] += 1;
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#roster.cutDismissed();
  }
}
