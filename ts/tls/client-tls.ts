/** TLS of a client: read once, told to each call. */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { TlsDialSettings } from '../link/tls.js';
import { isSecure } from '../link/carriers.js';
import { invalidOption } from '../options/check.js';
import type { ClientSettings } from '../options/settings.js';
import type { CheckedClientTls } from '../options/tls-schema.js';
import { isFirstInProcess } from '../policy/once-per-process.js';
import { withEnvironment } from './environment.js';
import { warnExpiry } from './expiry.js';
import { identityOf } from './material.js';
import { commonSettings, PREFIX } from './settings.js';

/** More hosts than one client calls: a server that it is redirected by can name others each time. */
const MAX_HOSTS = 64;

type Base = Omit<TlsDialSettings, 'servername' | 'verifyName'>;

export class ClientTls {
  readonly #given: CheckedClientTls;
  readonly #base: Base;
  /** By host: backends know sessions that can be resumed by their settings. */
  readonly #byHost = new Map<string, TlsDialSettings>();

  /** @throws QWormholeError `ERR_QW_TLS_CONFIG`, `ERR_QW_OPTION_INVALID`. */
  constructor(given: CheckedClientTls) {
    this.#given = withName(withEnvironment(given, 'client'));
    const identity = identityOf(this.#given, PREFIX);
    if (identity !== undefined) warnExpiry(identity.chain[0]);
    this.#base = { ...commonSettings(this.#given), identity };
  }

  /** For a client that has an endpoint with TLS, or says something about it. */
  static of({ endpoints, tls }: ClientSettings): ClientTls | undefined {
    const isNeeded = tls !== undefined || endpoints.some(({ scheme }) => isSecure(scheme));
    return isNeeded ? new ClientTls(tls ?? {}) : undefined;
  }

  /** For a call of this host. */
  settingsFor(host: string): TlsDialSettings {
    const known = this.#byHost.get(host);
    if (known !== undefined) return known;
    const settings = this.#settingsFor(host);
    this.#byHost.set(host, settings);
    const [oldest] = this.#byHost.keys();
    if (this.#byHost.size > MAX_HOSTS) this.#byHost.delete(oldest);
    return settings;
  }

  #settingsFor(host: string): TlsDialSettings {
    const { servername = host, rejectUnauthorized, pins, verify } = this.#given;
    if (rejectUnauthorized === false && pins === undefined && verify === undefined) warnUnverified(host);
    return Object.freeze({ ...this.#base, servername: sentName(servername), verifyName: servername || host });
  }
}

/** Names as they are sent and compared: in ASCII and small letters (RFC 6066, section 3; RFC 5890). */
function withName(given: CheckedClientTls): CheckedClientTls {
  if (!given.servername) return given;
  const servername = isIP(given.servername) ? given.servername : asciiOf(given.servername);
  return { ...given, servername };
}

function asciiOf(name: string): string {
  const ascii = domainToASCII(name).toLowerCase();
  if (/^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/.test(ascii)) return ascii;
  throw invalidOption('tls.servername', name, 'must be a host name, an IP address, or empty');
}

/** An address is no name to ask for (RFC 6066, section 3). */
function sentName(name: string): string {
  return /^[\d.]+$|:/.test(name) ? '' : name.replace(/\.$/, '');
}

/** Said once for each host. */
function warnUnverified(host: string): void {
  if (!isFirstInProcess(`tls unverified ${host}`)) return;
  process.emitWarning(
    `${host} is not verified: tls.rejectUnauthorized is false and there are no pins. Anybody on the way can be the server. Set pins, or trust the server's authority with ca.`,
    'QWormholeWarning',
    'QW_TLS_UNVERIFIED',
  );
}
