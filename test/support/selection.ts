/** The table of backend selection, and a process per cell that shows it to be true. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export type Role = 'server' | 'client';

/** What a probe saw, and what its process said. */
export interface Outcome {
  readonly mode?: string;
  readonly backend?: string;
  readonly nativeAvailable?: boolean | 'untouched';
  readonly code?: string;
  readonly message?: string;
  readonly stderr: string;
}

/** The addon that was built here, if one was. */
export const BUILT_ADDON = builtAddon();

function builtAddon(): string | undefined {
  const folder = at('../../native/');
  if (!existsSync(folder)) return undefined;
  const file = readdirSync(folder).find((name) => name.endsWith('.node'));
  return file === undefined ? undefined : join(folder, file);
}

/** Files that are no usable addons, each broken in its own way; made when asked for. */
export class BrokenAddons {
  readonly #folder = mkdtempSync(join(tmpdir(), 'qwormhole-test-'));

  readonly missing = join(this.#folder, 'missing.node');
  readonly empty = at('./addons/empty.cjs');
  readonly throwing = at('./addons/throwing.cjs');
  readonly otherVersion = at('./addons/other-version.cjs');

  /** Not a shared library at all. */
  get corrupt(): string {
    return this.#write('corrupt.node', Buffer.from('this is no shared library'));
  }

  /** The built addon, marked as one for another processor (ELF's e_machine, byte 18). */
  get otherPlatform(): string {
    const bytes = readFileSync(BUILT_ADDON!);
    bytes.writeUInt16LE(0xf3, 18);
    return this.#write('other-platform.node', bytes);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(name: string, bytes: Buffer): string {
    const path = join(this.#folder, name);
    writeFileSync(path, bytes);
    return path;
  }
}

/** Runs a probe with exactly these settings of ours in its environment. */
export function probe(role: Role, options: object, settings: Record<string, string>, workers = 0): Outcome {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('QWORMHOLE_'));
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [at('./probe.mjs'), role, JSON.stringify(options), String(workers)],
    { env: { ...Object.fromEntries(inherited), ...settings }, encoding: 'utf8', timeout: 20_000 },
  );
  if (status !== 0) throw new Error(`The probe ended with ${status}: ${stderr}`);
  return { ...(JSON.parse(stdout) as object), stderr };
}

/** How a cell ends: the backend in use, and whether the loader was touched. */
export type Expected =
  | 'ts-untouched'
  | 'ts-unavailable'
  | 'native'
  | 'ERR_QW_NATIVE_UNAVAILABLE'
  | 'ERR_QW_OPTION_INVALID';

/** A cell: the variable, the options, and what follows with and without a usable addon. */
export type Cell = readonly [
  variable: string | undefined,
  options: { readonly preferNative?: boolean; readonly forceTs?: boolean },
  withAddon: Expected,
  without: Expected,
];

const UNAVAILABLE = 'ERR_QW_NATIVE_UNAVAILABLE';

/** Any "never" wins and touches no loader; then force; then `preferNative`. */
export const SELECTION: readonly Cell[] = [
  [undefined, {}, 'native', 'ts-unavailable'],
  ['', {}, 'native', 'ts-unavailable'],
  ['auto', {}, 'native', 'ts-unavailable'],
  ['auto', { preferNative: true }, 'native', 'ts-unavailable'],
  ['auto', { preferNative: false }, 'ts-untouched', 'ts-untouched'],
  ['auto', { forceTs: true }, 'ts-untouched', 'ts-untouched'],
  ['auto', { forceTs: true, preferNative: true }, 'ts-untouched', 'ts-untouched'],
  ['1', {}, 'native', UNAVAILABLE],
  ['force', {}, 'native', UNAVAILABLE],
  ['1', { preferNative: false }, 'native', UNAVAILABLE],
  ['force', { forceTs: true }, 'ts-untouched', 'ts-untouched'],
  ['0', {}, 'ts-untouched', 'ts-untouched'],
  ['0', { preferNative: true }, 'ts-untouched', 'ts-untouched'],
  ['disable', {}, 'ts-untouched', 'ts-untouched'],
  ['force-ts', {}, 'ts-untouched', 'ts-untouched'],
  ['yes', {}, 'ERR_QW_OPTION_INVALID', 'ERR_QW_OPTION_INVALID'],
];

/** What a probe's outcome comes to. */
export function summarise({ mode, backend, nativeAvailable, code }: Outcome): string {
  if (code !== undefined) return code;
  if (mode === 'native') return backend === 'rust' && nativeAvailable === true ? 'native' : 'inconsistent';
  if (backend !== 'ts') return 'inconsistent';
  return nativeAvailable === 'untouched'
    ? 'ts-untouched'
    : nativeAvailable === false
      ? 'ts-unavailable'
      : 'inconsistent';
}
