/** What a program, or `qwormhole doctor`, can ask about the backends. */
import { QWormholeError } from '../errors/error.js';
import { decideNativeUse } from '../policy/native-switch.js';
import type { Io } from '../policy/io.js';
import type { Backend, Mode } from './link.js';
import { adviceFor } from './native/advice.js';
import type { NativeBinding } from './native/binding.js';
import { environmentExchanges } from './native/environment.js';
import { settleIo } from './native/io.js';
import { loadNative, type Candidate } from './native/loader.js';

/** The backend that new servers and clients get here, and why. */
export interface BackendInfo {
  readonly mode: Mode;
  readonly backend: Backend;
  /** Whether native loads here; `undefined` when it may not be tried. */
  readonly nativeAvailable: boolean | undefined;
  /** What decided. */
  readonly reason: string;
  /**
   * Where the native backend serves sockets, and what decided; `undefined` where it is not in use, and where what the
   * environment demands cannot be had, which the reason says.
   */
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
 * unless the environment forbids it, and starts inline I/O where that is what they get, which is known only then; it keeps
 * no process alive, and is what they use. Never warns.
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
  return {
    mode: 'native',
    backend: 'rust',
    nativeAvailable: true,
    reason,
    ...ioOf(report.binding),
    nativeVersion: report.version,
    candidates: report.candidates,
    cure: undefined,
  };
}

/** What was not forced may have been settled otherwise than decided; what is and cannot be had is told, not thrown. */
function ioOf(binding: NativeBinding): Pick<BackendInfo, 'io' | 'ioReason'> {
  try {
    const { io, reason } = settleIo(environmentExchanges(binding), {});
    return { io, ioReason: reason };
  } catch (error) {
    if (!(error instanceof QWormholeError) || error.code !== 'ERR_QW_OPTION_UNSUPPORTED') throw error;
    return { io: undefined, ioReason: error.message };
  }
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
