/** TLS from the environment, for deployments. What a program says itself comes first. */
import { QWormholeError } from '../errors/error.js';
import type { CheckedServerTls } from '../options/tls-schema.js';

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'QWORMHOLE_TLS_';
const SWITCHES: Readonly<Record<string, boolean>> = { 1: true, true: true, 0: false, false: false };

/** The options with what the environment adds to them. `requestCert` is for servers. */
export function withEnvironment<T extends CheckedServerTls>(
  given: T,
  role: 'server' | 'client',
  environment: Environment = process.env,
): T {
  const read = (name: string): string | undefined => environment[PREFIX + name] || undefined;
  const hasIdentity = [given.cert, given.certPath, given.key, given.keyPath].some(
    (each) => each !== undefined,
  );
  const hasCa = given.ca !== undefined || given.caPath !== undefined;
  const passphrase = read('PASSPHRASE');
  const added: Record<string, unknown> = {
    ...(!hasIdentity && { ...material('cert', read), ...material('key', read) }),
    ...(!hasCa && material('ca', read)),
    ...(passphrase !== undefined && { passphrase }),
    ...(role === 'server' && switched('requestCert', 'REQUEST_CERT', read)),
    ...names(read('ALPN')),
  };
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...added, ...Object.fromEntries(said) } as T;
}

type Read = (name: string) => string | undefined;

/** Inline PEM, whose line ends may be written as `\n`, or the path of a file. */
function material(name: 'cert' | 'key' | 'ca', read: Read): Record<string, string> {
  const variable = name.toUpperCase();
  const inline = read(variable);
  const path = read(`${variable}_PATH`);
  if (inline !== undefined && path !== undefined)
    throw invalid(variable, `excludes ${PREFIX}${variable}_PATH`);
  if (inline !== undefined) return { [name]: inline.replaceAll('\\n', '\n') };
  return path === undefined ? {} : { [`${name}Path`]: path };
}

function switched(option: string, variable: string, read: Read): Record<string, boolean> {
  const text = read(variable);
  if (text === undefined) return {};
  const value = SWITCHES[text.toLowerCase()];
  if (value === undefined) throw invalid(variable, 'must be 1, true, 0 or false');
  return { [option]: value };
}

function names(text: string | undefined): Record<string, readonly string[]> {
  if (text === undefined) return {};
  const alpn = text.split(',').map((name) => name.trim());
  if (alpn.includes('')) throw invalid('ALPN', 'must be names with commas between them');
  return { alpn };
}

function invalid(variable: string, why: string): QWormholeError {
  const message = `The environment variable ${PREFIX}${variable} ${why}`;
  return new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: PREFIX + variable } });
}
