/**
 * Loads the addon, once per environment, and can say what it tried. The generated loader
 * (`native/binding.cjs`) knows the platforms; this file knows what a usable addon is.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { generatedLoader, requireHere } from '../../here.js';
import { type NativeBinding, REQUIRED_SYMBOLS, SEAM_VERSION } from './binding.js';

/** Why an addon was not loaded, as the fallback warning words it. */
export type LoadFailure =
  | 'binding not found'
  | 'binding not loadable'
  | 'binding incompatible'
  | 'binding incomplete'
  | 'binding threw';

/** One place where an addon could be. */
export interface Candidate {
  readonly path: string;
  /** Why it is not used; absent for the one that is. */
  readonly failure?: LoadFailure;
  readonly detail?: string;
}

/** What came of loading. */
export interface LoadReport {
  readonly binding?: NativeBinding;
  /** The crate's version. */
  readonly version?: string;
  readonly candidates: readonly Candidate[];
  readonly failure?: LoadFailure;
  readonly detail?: string;
  /** Another attempt may succeed. */
  readonly isPassing?: boolean;
}

/** The variable that names an addon's file and so replaces the search. */
export const PATH_VARIABLE = 'QWORMHOLE_NATIVE_PATH';
/** The variable that makes the loader say what it tries. */
export const DEBUG_VARIABLE = 'QWORMHOLE_DEBUG_NATIVE';

/** What the generated loader says of a platform for which there are no addons. */
export const UNSUPPORTED = /^Unsupported (?:OS|architecture)/;
/** And of a package of another version than it was made with, which it looks at where it is told to. */
const MISMATCHED = /package version mismatch/;
const NO_FILE = 'no such file';

/** More candidates than the generated loader has for any platform. */
const MAX_CANDIDATES = 32;

/** What the system and Node say that have run out of descriptors or memory: for now. */
const EXHAUSTED = /\b(EMFILE|ENFILE|ENOMEM|too many open files|cannot allocate memory)\b/i;

let lasting: LoadReport | undefined;

/** The report of this environment's one attempt, or of another after one whose failure may have passed. */
export function loadNative(): LoadReport {
  if (lasting !== undefined) return lasting;
  const path = process.env[PATH_VARIABLE];
  // As everywhere in an environment, a relative path starts where the process does.
  const report = path ? tryFile(resolve(path)) : trySearch();
  if (process.env[DEBUG_VARIABLE] === '1') printReport(report);
  if (report.isPassing !== true) lasting = report;
  return report;
}

function tryFile(path: string): LoadReport {
  if (!existsSync(path)) return failed(path, 'binding not found', `${PATH_VARIABLE} names no file`);
  return attempt(path);
}

function trySearch(): LoadReport {
  const loader = generatedLoader();
  if (existsSync(loader)) return attempt(loader);
  return failed(
    loader,
    'binding not found',
    `there is no ${loader}: the addon was not built, or this is a bundle`,
  );
}

function attempt(path: string): LoadReport {
  const before = loadedAddons();
  let loaded: Partial<NativeBinding>;
  try {
    loaded = requireHere(path) as Partial<NativeBinding>;
  } catch (error) {
    const candidates = chain(error).map((cause) => candidateOf(cause, path));
    // A file that is there and does not load says more than all those that are not there.
    const told = candidates.find(({ failure }) => failure !== 'binding not found') ?? candidates[0];
    const tried = candidates.map((candidate) => candidate.path).join(', ');
    const detail = told.detail === NO_FILE ? `there is none of ${tried}` : told.detail;
    return { candidates, failure: told.failure, detail, isPassing: EXHAUSTED.test(detail ?? '') };
  }
  const file = [...loadedAddons()].find((addon) => !before.has(addon)) ?? path;
  return examine(file, loaded);
}

/** Whether what was loaded is an addon that this version of the package can use. */
function examine(path: string, loaded: Partial<NativeBinding> | undefined): LoadReport {
  try {
    // What another version lacks or has besides says less than that it is another version.
    const seam = loaded?.seamVersion?.() ?? SEAM_VERSION;
    if (seam !== SEAM_VERSION) {
      const detail = `it speaks version ${seam} of the boundary, this package version ${SEAM_VERSION}`;
      return failed(path, 'binding incompatible', detail);
    }
    const missing = REQUIRED_SYMBOLS.filter((name) => typeof loaded?.[name] !== 'function');
    if (missing.length > 0) return failed(path, 'binding incomplete', `it lacks ${missing.join(', ')}`);
    const binding = loaded as NativeBinding;
    return { binding, version: binding.version(), candidates: [{ path }] };
  } catch (error) {
    return failed(path, 'binding threw', messageOf(error));
  }
}

function failed(path: string, failure: LoadFailure, detail: string): LoadReport {
  return { candidates: [{ path, failure, detail }], failure, detail };
}

/**
 * The generated loader chains one error per candidate, the last tried outermost, and keeps nothing of
 * each but its message. Its WebAssembly candidates are none of ours.
 */
function chain(error: unknown): unknown[] {
  const errors: unknown[] = [];
  for (
    let at = error;
    at !== undefined && at !== null && errors.length < MAX_CANDIDATES;
    at = (at as Error).cause
  )
    errors.push(at);
  // The outermost of several only says that all the others failed.
  const each = errors.length > 1 ? errors.slice(1) : errors;
  const ours = each.filter((one) => !messageOf(one).includes('wasi'));
  return ours.length > 0 ? ours.toReversed() : each;
}

function candidateOf(error: unknown, path: string): Candidate {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  const detail = messageOf(error);
  const named = /Cannot find module '([^']+)'|((?:[A-Za-z]:)?[\\/][^:,]*\.node)/.exec(detail);
  const file = named?.[1] ?? named?.[2] ?? path;
  if (named?.[1] !== undefined) return { path: file, failure: 'binding not found', detail: NO_FILE };
  if (UNSUPPORTED.test(detail)) return { path: file, failure: 'binding not found', detail };
  if (MISMATCHED.test(detail)) return { path: file, failure: 'binding incompatible', detail };
  // The system's own refusals name the file, errors of an addon's code do not.
  const isSystems = code === 'ERR_DLOPEN_FAILED' || named?.[2] !== undefined;
  return { path: file, failure: isSystems ? 'binding not loadable' : 'binding threw', detail };
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0];
}

function loadedAddons(): Set<string> {
  return new Set(Object.keys(requireHere.cache).filter((path) => path.endsWith('.node')));
}

function printReport({ candidates, binding }: LoadReport): void {
  for (const { path, failure, detail } of candidates) {
    const outcome = failure === undefined ? 'loaded' : `${failure}: ${detail}`;
    process.stderr.write(`[qwormhole] native candidate ${path}: ${outcome}\n`);
  }
  const outcome =
    binding === undefined ? 'the native backend is not available' : 'the native backend is available';
  process.stderr.write(`[qwormhole] ${outcome}\n`);
}
