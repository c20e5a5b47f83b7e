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
import { stateOf, type FileState } from './watch.js';

/** Before the names of what `sniCallback` gives. */
const ANSWER = 'tls.sniCallback.';
/** Two ways to give one thing: who is told one has done with the other. */
const EITHER = [
  ['cert', 'certPath'],
  ['key', 'keyPath'],
  ['ca', 'caPath'],
] as const;

/** Settings with the state of the files that they were read from. */
interface Reading {
  readonly settings: TlsListenSettings;
  readonly files: FileState;
}

export class ServerTls {
  /** What the program says; the environment adds to it whenever it is read. */
  #said: CheckedServerTls;
  #current: Reading;
  /** What the callback gave, read once for as long as it is the same object. */
  readonly #answers = new WeakMap<TlsIdentityOptions, TlsIdentity>();

  /** @throws QWormholeError `ERR_QW_TLS_CONFIG`, `ERR_QW_OPTION_INVALID`. */
  constructor(given: CheckedServerTls) {
    this.#said = given;
    this.#current = this.#read(given);
    this.warnExpiry();
  }

  /** For a server that has an endpoint with TLS, or says something about it. */
  static of({ endpoints, tls }: ServerSettings): ServerTls | undefined {
    const isNeeded = tls !== undefined || endpoints.some(({ scheme }) => isSecure(scheme));
    return isNeeded ? new ServerTls(tls ?? {}) : undefined;
  }

  /** What listeners are told. */
  get settings(): TlsListenSettings {
    return this.#current.settings;
  }

  /** Whether files are to be watched. */
  get isWatching(): boolean {
    return this.#said.watch ?? T['tls.watch'].default;
  }

  /** The files that the settings come from, as they were when they were read. */
  get files(): FileState {
    return this.#current.files;
  }

  /**
   * Replaces what is given and keeps the rest; `null` takes an option back. `use` is told the new settings: when it
   * throws, or when they cannot be made, everything stays as it was.
   */
  update(options: unknown, use: (settings: TlsListenSettings) => void): void {
    this.#change(changed(this.#said, options), use);
  }

  /** Reads the files anew, as `update` does. */
  reload(use: (settings: TlsListenSettings) => void): void {
    this.#change(this.#said, use);
  }

  /** Of the certificates that are shown to clients. */
  get certificates(): readonly CertificateStats[] {
    return this.settings.identities.map(({ chain }) => describeCertificate(chain[0]));
  }

  /** Says which of them end soon: each once. */
  warnExpiry(): void {
    for (const { chain } of this.settings.identities) warnExpiry(chain[0]);
  }

  #change(said: CheckedServerTls, use: (settings: TlsListenSettings) => void): void {
    const reading = this.#read(said);
    use(reading.settings);
    this.#current = reading;
    this.#said = said;
    this.warnExpiry();
  }

  #read(said: CheckedServerTls): Reading {
    const given = withEnvironment(said, 'server');
    // Before the files are read: what changes meanwhile is found by whoever watches them.
    const files = stateOf(pathsIn(given));
    return { files, settings: this.#settingsOf(given) };
  }

  #settingsOf(given: CheckedServerTls): TlsListenSettings {
    const requestCert = given.requestCert ?? T['tls.requestCert'].default;
    if (given.pins !== undefined && !requestCert)
      throw invalidOption('tls.pins', given.pins, 'needs requestCert on a server');
    const common = commonSettings(given);
    if (requestCert && common.rejectUnauthorized && common.ca === undefined)
      throw badMaterial(
        'tls.requestCert',
        "needs tls.ca: with the system's roots anybody could have a certificate",
      );
    return Object.freeze({
      ...common,
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

/** What the options are after a change. */
function changed(said: CheckedServerTls, options: unknown): CheckedServerTls {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  const entries = isObject ? Object.entries(options) : [];
  const kept = isObject
    ? Object.fromEntries(entries.map(([name, value]) => [name, value ?? undefined]))
    : options;
  const change = checkOptions(serverTls, 'server', kept, PREFIX);
  const result: Record<string, unknown> = { ...said };
  for (const [name, value] of entries) {
    if (value === undefined) continue;
    const pair = EITHER.find((each) => (each as readonly string[]).includes(name)) ?? [name];
    for (const other of pair) delete result[other];
  }
  const isSaid = ([, value]: [string, unknown]): boolean => value !== undefined;
  return { ...result, ...Object.fromEntries(Object.entries(change).filter(isSaid)) };
}

function pathsIn({ certPath, keyPath, caPath, identities = [] }: CheckedServerTls): readonly string[] {
  const all = [certPath, keyPath, caPath, ...identities.flatMap((each) => [each.certPath, each.keyPath])];
  return all.filter((path) => path !== undefined);
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
  const identity = identityOf(checkOptions(identitySchema, 'server', given, ANSWER), ANSWER);
  if (identity === undefined) throw badMaterial(`${ANSWER}cert`, 'is missing');
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
