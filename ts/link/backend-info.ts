/** What a program, or `qwormhole doctor`, can ask about the backends. */
import { decideNativeUse } from '../policy/native-switch.js';
import { decideIo, type Io } from '../policy/io.js';
import type { Backend, Mode } from './link.js';
import { adviceFor } from './native/advice.js';
import { loadNative, type Candidate } from './native/loader.js';

/** The backend that new servers and clients get here, and why. */
export interface BackendInfo {
  readonly mode: Mode;
  readonly backend: Backend;
  /** Whether native loads here; `undefined` when it may not be tried. */
  readonly nativeAvailable: boolean | undefined;
  /** What decided. */
  readonly reason: string;
  /** Where the native backend serves sockets, and what decided; `undefined` where it is not in use. */
  readonly io: Io | undefined;
  readonly ioReason: string | undefined;
  /** Version of the native addon, where it loads. */
  readonly nativeVersion: string | undefined;
  /** What was tried, in order. Empty when nothing was. */
  readonly candidates: readonly Candidate[];
  /** What would help, where native is wanted and does not load. */
  readonly cure: string | undefined;
}

/**
 * Says which backend new servers and clients get without options of their own. Touches the loader
 * unless the environment forbids it; never warns.
 */
export function backendInfo(): BackendInfo {
  const { use, reason } = decideNativeUse({});
  if (use === 'never' || use === 'prefer-ts') return ofTypeScript(undefined, reason);
  const report = loadNative();
  if (report.binding === undefined)
    return {
      ...ofTypeScript(false, `${report.failure}: ${report.detail}`),
      candidates: report.candidates,
      cure: adviceFor(report),
    };
  const { io, reason: ioReason } = decideIo({});
  return {
    mode: 'native',
    backend: 'rust',
    nativeAvailable: true,
    reason,
    io,
    ioReason,
    nativeVersion: report.version,
    candidates: report.candidates,
    cure: undefined,
  };
}

function ofTypeScript(nativeAvailable: boolean | undefined, reason: string): BackendInfo {
  return {
    mode: 'ts',
    backend: 'ts',
    nativeAvailable,
    reason,
    io: undefined,
    ioReason: undefined,
    nativeVersion: undefined,
    candidates: [],
    cure: undefined,
  };
}
