/** The one place where a backend is chosen. The choice travels as a value. */
import { QWormholeError } from '../errors/error.js';
import { decideNativeUse, type NativeDecision } from '../policy/native-switch.js';
import type { Io, IoPreference } from '../policy/io.js';
import { isFirstInProcess } from '../policy/once-per-process.js';
import type { Backend, LinkDriver, Mode } from './link.js';
import { adviceFor } from './native/advice.js';
import { NativeDriver } from './native/driver.js';
import { environmentExchanges } from './native/environment.js';
import { settleIo } from './native/io.js';
import { loadNative, type LoadReport } from './native/loader.js';
import { TsDriver } from './ts/driver.js';

/** Who asks: it decides the prefix of the fallback warning. */
export type Role = 'server' | 'client';

/** What a caller may say about the backend. */
export interface BackendPreference extends IoPreference {
  readonly preferNative?: boolean;
  readonly forceTs?: boolean;
}

/** A chosen backend. */
export interface Choice {
  readonly driver: LinkDriver;
  readonly mode: Mode;
  readonly backend: Backend;
  /** Whether native loads here; `undefined` when the loader was never touched. */
  readonly nativeAvailable: boolean | undefined;
  /** Native was demanded: it is not replaced at run time unless told so. */
  readonly forced: boolean;
  /** Where the native backend serves sockets. */
  readonly io: Io | undefined;
}

/**
 * Chooses and acquires a driver; the caller releases it. With `demand`, native is as good as forced
 * unless it is ruled out.
 * @throws QWormholeError `ERR_QW_NATIVE_UNAVAILABLE` when native is demanded and does not load.
 */
export function chooseDriver(role: Role, preference: BackendPreference, demand?: 'force'): Choice {
  const decided = decideNativeUse(preference);
  const isDemanded = demand === 'force' && decided.use === 'prefer-native';
  const decision: NativeDecision = isDemanded ? { use: 'force', reason: 'the native classes' } : decided;
  if (decision.use === 'never' || decision.use === 'prefer-ts') return onTypeScript(undefined);
  const report = loadNative();
  if (report.binding !== undefined) return onNative(report, decision, preference);
  if (decision.use === 'force') throw unavailable(report, decision);
  warnOfFallback(role, report);
  return onTypeScript(false);
}

/** As `chooseDriver` when only the TypeScript backend is left. */
export function onTypeScript(nativeAvailable: boolean | undefined): Choice {
  const io = undefined;
  return { driver: new TsDriver(), mode: 'ts', backend: 'ts', nativeAvailable, forced: false, io };
}

function onNative(report: LoadReport, decision: NativeDecision, preference: BackendPreference): Choice {
  const binding = report.binding!;
  const all = environmentExchanges(binding);
  const { io } = settleIo(all, preference);
  const exchanges = io === 'inline' ? [all.inline()] : all.threads(preference.ioThreads ?? 1);
  return {
    driver: new NativeDriver(binding, exchanges, all.log),
    io,
    mode: 'native',
    backend: 'rust',
    nativeAvailable: true,
    forced: decision.use === 'force',
  };
}

/** The error of a demand for native that cannot be met. */
function unavailable(report: LoadReport, { reason }: NativeDecision): QWormholeError {
  const tried = report.candidates.map(({ path, failure, detail }) => `${path}: ${failure} (${detail})`);
  return new QWormholeError(
    'ERR_QW_NATIVE_UNAVAILABLE',
    `The native backend is demanded by ${reason} and does not load: ${report.failure}, ${report.detail}`,
    { details: { tried } },
  );
}

function warnOfFallback(role: Role, report: LoadReport): void {
  if (!isFirstInProcess('native-fallback')) return;
  process.emitWarning(
    `[native-${role}] ${report.failure}, falling back to TS: ${adviceFor(report)}`,
    'QWormholeWarning',
    'QW_NATIVE_FALLBACK',
  );
}
