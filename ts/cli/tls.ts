/** The options of commands that are about TLS. */
import { parseFingerprint } from '../tls/fingerprint.js';
import { quote, type Arguments, type OptionSpecs } from './arguments.js';
import { UsageError } from './usage-error.js';

const SHARED: OptionSpecs = {
  cert: { value: 'file', help: 'TLS: our certificate, with the intermediate ones' },
  key: { value: 'file', help: 'TLS: its key; QWORMHOLE_TLS_PASSPHRASE opens an encrypted one' },
  ca: { value: 'file', help: "TLS: authorities to trust instead of the system's" },
  alpn: { value: 'name', help: 'TLS: an application protocol, best first; may be repeated' },
  pin: { value: 'sha256/…', help: "TLS: fingerprint that the peer's key must have; may be repeated" },
};

/** For a command that listens. */
export const TLS_LISTEN_OPTIONS: OptionSpecs = {
  ...SHARED,
  'request-cert': { help: 'TLS: refuse clients without a certificate that --ca has signed' },
};

/** For a command that connects. */
export const TLS_CONNECT_OPTIONS: OptionSpecs = {
  ...SHARED,
  insecure: { help: 'TLS: take any certificate; with --pin the pinned ones only' },
};

/** What a server is told. */
export function listenTls(given: Arguments) {
  return wrapped({ ...shared(given), ...(given.has('request-cert') && { requestCert: true }) });
}

/** What a client is told. */
export function connectTls(given: Arguments) {
  return wrapped({ ...shared(given), ...(given.has('insecure') && { rejectUnauthorized: false }) });
}

function wrapped<T extends object>(tls: T): { readonly tls?: T } {
  return Object.keys(tls).length === 0 ? {} : { tls };
}

function shared(given: Arguments) {
  const [alpn, pins] = [given.list('alpn'), given.list('pin')];
  const [certPath, keyPath, caPath] = ['cert', 'key', 'ca'].map((name) => given.list(name).at(-1));
  for (const pin of pins)
    if (parseFingerprint(pin) === undefined)
      throw new UsageError(
        `--pin takes sha256/<base64>, sha256-spki:<hex> or sha256-cert:<hex>; not ${quote(pin)}`,
      );
  return {
    ...(certPath !== undefined && { certPath }),
    ...(keyPath !== undefined && { keyPath }),
    ...(caPath !== undefined && { caPath }),
    ...(alpn.length > 0 && { alpn }),
    ...(pins.length > 0 && { pins }),
  };
}
