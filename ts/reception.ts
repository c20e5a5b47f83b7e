/** Where those who call a server arrive: at an endpoint, or through an HTTP server that it is attached to. */
import type { CodecOption } from './codec/codec.js';
import { isLoopback } from './endpoint.js';
import type { QWormholeError } from './errors/error.js';
import type { ListenerHandler } from './link/link.js';
import type { ServerSettings, SettledEndpoint } from './options/settings.js';
import { UpgradePolicy, type Admission } from './policy/upgrade.js';
import type { Roster } from './roster.js';

/** The part of an endpoint that matters once somebody has called. */
export type Desk = Pick<SettledEndpoint, 'protocol' | 'path'>;

export class Reception<C extends CodecOption> {
  readonly #roster: Roster<C>;
  readonly #report: (error: QWormholeError) => void;
  readonly #policy: UpgradePolicy;

  constructor(settings: ServerSettings, roster: Roster<C>, report: (error: QWormholeError) => void) {
    this.#roster = roster;
    this.#report = report;
    this.#policy = new UpgradePolicy(settings, {
      hasRoom: () => roster.hasRoom(),
      dismiss: (link, code, reason) => roster.dismiss(link, code, reason),
      report,
      settled: (result) => void (roster.handshakes[result] += 1),
    });
  }

  /**
   * Who hears of one socket: that of one endpoint, or of several that differ in their paths.
   * @param host Where it listens, once somebody has called.
   */
  at(desks: readonly Desk[], host: () => string): ListenerHandler {
    const [{ protocol }] = desks;
    const byPath = new Map(desks.map((desk) => [desk.path, desk.protocol]));
    const destination = {
      protocolOf: (path: string) => byPath.get(path),
      get isLocal() {
        return isLoopback(host());
      },
      admit: (admission: Admission) => this.#roster.admit(admission),
    };
    return {
      onLink: (link) => this.#roster.admit({ link, protocol }),
      onUpgrade: (upgrade) => this.#policy.decide(upgrade, destination),
      onError: this.#report,
    };
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#roster.cutDismissed();
  }
}
