/**
 * What a backend can honour on this runtime and platform. The facts are in `options.json`; this is the
 * one place that reads them.
 */
import { QWormholeError } from '../errors/error.js';
import type { Mode } from '../link/link.js';
import { hasPostQuantum, POST_QUANTUM_GROUP } from '../link/post-quantum.js';
import { isFirstInProcess } from '../policy/once-per-process.js';
import type { ClientSettings, ServerSettings } from './settings.js';
import { OPTION_TABLE, type OptionFacts, type Support } from './table.js';

/** Where the library runs. */
export interface Host {
  readonly runtime: 'node' | 'bun' | 'deno';
  /** Version of the runtime, as `20.19.0`. */
  readonly version: string;
  readonly platform: string;
}

/** An option that is set and not honoured. */
interface Refusal {
  readonly option: string;
  /** Where it is not, as the end of a sentence. */
  readonly where: string;
  /** Nobody tried, so it may work or be ignored. */
  readonly unknown: boolean;
  readonly cure: string;
}

const RUNTIMES = { node: 'Node', bun: 'Bun', deno: 'Deno' } as const;

/** The host of this process. */
export function currentHost(): Host {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  const platform = process.platform;
  if (bun !== undefined) return { runtime: 'bun', version: bun, platform };
  if (deno !== undefined) return { runtime: 'deno', version: deno, platform };
  return { runtime: 'node', version: node ?? '0.0.0', platform };
}

/**
 * Throws `ERR_QW_OPTION_UNSUPPORTED` for the first option that is set and that this backend cannot honour; warns where
 * it goes without what is only preferred.
 */
export function assertSupported(
  settings: ServerSettings | ClientSettings,
  mode: Mode,
  host = currentHost(),
): void {
  const refusal = firstRefusal(settings, mode, host);
  if (refusal === undefined) return warnOfPreference(settings, mode);
  const { option, where, unknown, cure } = refusal;
  const message = `Option ${option} is not ${unknown ? 'known to be ' : ''}honoured by ${where}: ${cure}`;
  throw new QWormholeError('ERR_QW_OPTION_UNSUPPORTED', message, { details: { option, mode } });
}

/** Whether this backend honours all that is set: asked before a server moves to it. */
export function honours(
  settings: ServerSettings | ClientSettings,
  mode: Mode,
  host = currentHost(),
): boolean {
  return firstRefusal(settings, mode, host) === undefined;
}

function firstRefusal(
  settings: ServerSettings | ClientSettings,
  mode: Mode,
  host: Host,
): Refusal | undefined {
  const values = settings as unknown as Readonly<Record<string, unknown>>;
  for (const [option, facts] of Object.entries<OptionFacts>(OPTION_TABLE)) {
    // What is absent or has its default asks for nothing.
    const value = values[option] ?? facts.default;
    if (facts.support === undefined || value === facts.default) continue;
    if (Object.entries(facts.unless ?? {}).some(([other, wanted]) => values[other] === wanted)) continue;
    const answer = verdict(facts, mode, host);
    if (answer !== 'yes') {
      return { option, where: whereNot(mode, host), unknown: answer === 'unknown', cure: facts.cure ?? '' };
    }
  }
  return pipeRefusal(settings, mode, host) ?? postQuantumRefusal(settings, mode, host);
}

/** The one kind of endpoint that only one backend has. */
function pipeRefusal(
  { endpoints }: Pick<ServerSettings | ClientSettings, 'endpoints'>,
  mode: Mode,
  host: Host,
): Refusal | undefined {
  if (mode === 'ts' || !endpoints?.some(({ scheme }) => scheme === 'pipe')) return undefined;
  const cure = 'named pipes need the TypeScript backend, which is taken where native is not forced';
  return { option: 'endpoints', where: whereNot(mode, host), unknown: false, cure };
}

/** Depends on the OpenSSL that the runtime was built with, of which its version says little. */
function postQuantumRefusal(
  { tls }: ServerSettings | ClientSettings,
  mode: Mode,
  host: Host,
): Refusal | undefined {
  if (tls?.postQuantum !== 'require' || mode === 'native' || hasPostQuantum()) return undefined;
  const cure = "use the native backend or a runtime with OpenSSL 3.5 or newer, or set it to 'prefer'";
  return { option: 'tls.postQuantum', where: whereNot(mode, host), unknown: false, cure };
}

/** Of what the program says itself: the default prefers too, and asks for nothing. */
function warnOfPreference({ tls }: ServerSettings | ClientSettings, mode: Mode): void {
  if (tls?.postQuantum !== 'prefer' || mode === 'native' || hasPostQuantum()) return;
  if (!isFirstInProcess('tls post-quantum')) return;
  process.emitWarning(
    `TLS goes without ${POST_QUANTUM_GROUP}, which this runtime does not have: use the native backend or OpenSSL 3.5.`,
    'QWormholeWarning',
    'QW_TLS_POST_QUANTUM',
  );
}

function verdict({ support }: OptionFacts, mode: Mode, host: Host): 'yes' | 'no' | 'unknown' {
  const cell =
    mode === 'native' ? nativeCell(support?.native, host.platform) : (support?.ts?.[host.runtime] ?? true);
  if (cell === null) return 'unknown';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return cell.os.includes(host.platform) && isNewEnough(host.version, cell.minimum) ? 'yes' : 'no';
}

/** On a platform that the table does not know, what depends on the platform is not known. */
function nativeCell(cells: NonNullable<OptionFacts['support']>['native'], platform: string): Support {
  if (cells === undefined) return true;
  if (platform !== 'linux' && platform !== 'darwin' && platform !== 'win32') return null;
  const cell = cells[platform];
  return cell === undefined ? true : cell;
}

function isNewEnough(version: string, minimum: readonly string[]): boolean {
  const [major, minor] = version.split('.').map(Number);
  const lines = minimum.map((text) => text.split('.').map(Number));
  const line = lines.find(([first]) => first === major);
  return line === undefined ? major > Math.max(...lines.map(([first]) => first)) : minor >= line[1];
}

function whereNot(mode: Mode, { runtime, version, platform }: Host): string {
  if (mode === 'native') return `the native backend on ${platform}`;
  return `the TypeScript backend on ${RUNTIMES[runtime]} ${version} (${platform})`;
}
