/** TLS of a server: read when it is made, and again when its owner or its files say so. */
import type { NamedTlsIdentity, TlsIdentity, TlsListenSettings } from '../link/tls.js';
import { describe } from '../describe.js';
import { isSecure } from '../link/carriers.js';
import { checkOptions, invalidOption } from '../options/check.js';
import type { ServerSettings } from '../options/settings.js';
import { identitySchema, serverTls, type CheckedServerTls } from '../options/tls-schema.js';
import { OPTION_TABLE as T } from '../options/table.js';
import { withEnvironment } from './environment.js';
import { describeCertificate, warnExpiry, type CertificateStats } from './expiry.js';
import { badMaterial, identityOf, parseCertificate } from './material.js';
import { commonSettings, PREFIX } from './settings.js';
import type { SniCallback, TlsIdentityOptions } from './types.js';

const IDENTITY = ['cert', 'certPath', 'key', 'keyPath', 'passphrase'] as const;
const AUTHORITY = ['ca', 'caPath'] as const;

export class ServerTls {
  #given: CheckedServerTls;
  #settings: TlsListenSettings;
  /** What the callback gave, read once for as long as it is the same object. */
  readonly #answers = new WeakMap<TlsIdentityOptions, TlsIdentity>();

  /** @throws QWormholeError `ERR_QW_TLS_CONFIG`, `ERR_QW_OPTION_INVALID`. */
  constructor(given: CheckedServerTls) {
    this.#given = withEnvironment(given, 'server');
    this.#settings = this.#read(this.#given);
    this.warnExpiry();
  }

  /** For a server that has an endpoint with TLS, or says something about it. */
  static of({ endpoints, tls }: ServerSettings): ServerTls | undefined {
    const isNeeded = tls !== undefined || endpoints.some(({ scheme }) => isSecure(scheme));
    return isNeeded ? new ServerTls(tls ?? {}) : undefined;
  }

  /** What listeners are told. */
  get settings(): TlsListenSettings {
    return this.#settings;
  }

  /** Whether files are to be watched. */
  get isWatching(): boolean {
    return this.#given.watch ?? T['tls.watch'].default;
  }

  /** The files that the settings come from. */
  get paths(): readonly string[] {
    const { certPath, keyPath, caPath, identities = [] } = this.#given;
    const all = [certPath, keyPath, caPath, ...identities.flatMap((each) => [each.certPath, each.keyPath])];
    return all.filter((path) => path !== undefined);
  }

  /** Replaces what is given and keeps the rest. On an error everything stays as it was. */
  update(options: unknown): void {
    const change = checkOptions(serverTls, 'server', options, PREFIX);
    const given = { ...this.#given };
    // A new certificate has nothing to do with the old one's key.
    for (const group of [IDENTITY, AUTHORITY])
      if (group.some((name) => name in change)) for (const name of group) delete given[name];
    this.#use({ ...given, ...change });
  }

  /** Reads the files anew. On an error everything stays as it was. */
  reload(): void {
    this.#use(this.#given);
  }

  /** Of the certificates that are shown to clients. */
  get certificates(): readonly CertificateStats[] {
    return this.#settings.identities.map(({ chain }) => describeCertificate(chain[0]));
  }

  /** Says which of them end soon: each once. */
  warnExpiry(): void {
    for (const { chain } of this.#settings.identities) warnExpiry(chain[0]);
  }

  #use(given: CheckedServerTls): void {
    this.#settings = this.#read(given);
    this.#given = given;
    this.warnExpiry();
  }

  #read(given: CheckedServerTls): TlsListenSettings {
    const requestCert = given.requestCert ?? T['tls.requestCert'].default;
    if (given.pins !== undefined && !requestCert)
      throw invalidOption('tls.pins', given.pins, 'needs requestCert on a server');
    return Object.freeze({
      ...commonSettings(given),
      identities: identitiesOf(given),
      identityFor: given.sniCallback && this.#asking(given.sniCallback),
      requestCert,
      maxPendingHandshakes: given.maxPendingHandshakes ?? T['tls.maxPendingHandshakes'].default,
    });
  }

  #asking(callback: SniCallback): NonNullable<TlsListenSettings['identityFor']> {
    return async (servername) => {
      const given = await asked(callback, servername);
      if (given === undefined || given === null) return undefined;
      let identity = this.#answers.get(given);
      if (identity === undefined) this.#answers.set(given, (identity = answered(given)));
      return identity;
    };
  }
}

async function asked(callback: SniCallback, servername: string): Promise<TlsIdentityOptions | undefined> {
  try {
    return await callback(servername);
  } catch (cause) {
    throw badMaterial('tls.sniCallback', `failed for the name ${describe(servername)}`, cause);
  }
}

function identitiesOf(given: CheckedServerTls): readonly NamedTlsIdentity[] {
  const first = identityOf(given, PREFIX);
  const others = (given.identities ?? []).map((each, index) => {
    const prefix = `tls.identities.${index}.`;
    const identity = identityOf(each, prefix);
    if (identity === undefined) throw badMaterial(`${prefix}cert`, 'is missing');
    return named(identity, each.names);
  });
  const all = first === undefined ? others : [named(first, undefined), ...others];
  if (all.length === 0) throw badMaterial('tls.cert', 'is missing: a server with TLS needs cert and key');
  return all;
}

function answered(given: TlsIdentityOptions): TlsIdentity {
  const identity = identityOf(checkOptions(identitySchema, 'server', given, 'sniCallback.'), 'sniCallback.');
  if (identity === undefined) throw badMaterial('sniCallback.cert', 'is missing');
  return identity;
}

/** The names that were given, or those of the certificate. */
function named(identity: TlsIdentity, names: readonly string[] | undefined): NamedTlsIdentity {
  const own = names ?? dnsNames(identity.chain[0]);
  return { ...identity, names: own.map((name) => name.toLowerCase()) };
}

/** Node writes names that are no names in quotes: those are nothing to ask for. */
function dnsNames(der: Buffer): string[] {
  const { subjectAltName = '' } = parseCertificate('tls.cert', der);
  const entries = subjectAltName.split(', ').filter((entry) => entry.startsWith('DNS:'));
  return entries.map((entry) => entry.slice('DNS:'.length)).filter((name) => /^[\w.*-]+$/.test(name));
}
