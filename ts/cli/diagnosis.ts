/** The facts that `qwormhole doctor` reports. */
import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { backendInfo, type BackendInfo } from '../link/backend-info.js';
import { DEBUG_VARIABLE, PATH_VARIABLE } from '../link/native/loader.js';
import { IO_VARIABLE } from '../policy/io.js';
import { decideNativeUse, NATIVE_VARIABLE } from '../policy/native-switch.js';
import { packageVersion } from './package-version.js';
import { selfTest, type SelfTest } from './self-test.js';

const CARGO_TIMEOUT_MS = 5_000;

/** Everything, in the order in which it is printed. */
export interface Diagnosis {
  /** Whether servers and clients work here as demanded. */
  readonly usable: boolean;
  readonly mode: BackendInfo['mode'];
  readonly backend: BackendInfo['backend'];
  /** `null`: it may not be tried. */
  readonly nativeAvailable: boolean | null;
  /** Native or nothing. */
  readonly forced: boolean;
  readonly reason: string;
  /** Where the native backend serves sockets; `null` where it is not in use. */
  readonly io: BackendInfo['io'] | null;
  readonly ioReason: string | null;
  readonly candidates: BackendInfo['candidates'];
  readonly cure: string | null;
  readonly selfTest: SelfTest;
  /** `null`: not known, or not there. */
  readonly versions: Readonly<Record<'package' | 'addon' | 'node' | 'napi' | 'libuv', string | null>>;
  readonly platform: {
    readonly os: string;
    readonly arch: string;
    readonly libc: string | null;
    readonly release: string;
  };
  /** `null`: not set. */
  readonly environment: Readonly<Record<string, string | null>>;
  /** The version of the Rust toolchain that would build the addon; `null` without one. */
  readonly cargo: string | null;
}

/**
 * Gathers them; touches the native loader only where the environment allows it.
 * @throws QWormholeError for an environment that makes no sense.
 */
export async function diagnose(): Promise<Diagnosis> {
  const info = backendInfo();
  const forced = decideNativeUse({}).use === 'force';
  const test = await selfTest(info.mode);
  const cargo = cargoVersion();
  return {
    usable: test.ok && !(forced && info.mode !== 'native'),
    mode: info.mode,
    backend: info.backend,
    nativeAvailable: info.nativeAvailable ?? null,
    forced,
    reason: info.reason,
    io: info.io ?? null,
    ioReason: info.ioReason ?? null,
    candidates: info.candidates,
    cure: cureFor(info, test, cargo),
    selfTest: test,
    versions: {
      package: packageVersion(),
      addon: info.nativeVersion ?? null,
      node: process.versions.node,
      napi: process.versions.napi ?? null,
      libuv: process.versions.uv ?? null,
    },
    platform: { os: process.platform, arch: process.arch, libc: libc(), release: release() },
    environment: Object.fromEntries(
      [NATIVE_VARIABLE, IO_VARIABLE, PATH_VARIABLE, DEBUG_VARIABLE].map((name) => [
        name,
        process.env[name] ?? null,
      ]),
    ),
    cargo,
  };
}

function cureFor(info: BackendInfo, test: SelfTest, cargo: string | null): string | null {
  if (info.cure !== undefined) {
    const toolchain = cargo === null ? ' Rust is not installed here: https://rustup.rs has it.' : '';
    return info.cure + toolchain;
  }
  if (test.ok) return null;
  const way = info.mode === 'native' ? `set ${NATIVE_VARIABLE}=0 to go on with TypeScript, and ` : '';
  return `See that programs may use loopback sockets; ${way}report the self-test's error.`;
}

function cargoVersion(): string | null {
  const { status, stdout } = spawnSync('cargo', ['--version'], {
    encoding: 'utf8',
    timeout: CARGO_TIMEOUT_MS,
  });
  return status === 0 ? stdout.trim() : null;
}

/** Which C library this Node was built for: an addon has to be for the same. */
function libc(): string | null {
  if (process.platform !== 'linux') return null;
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork: boolean };
  // Looking up the names of open connections can take long, and nobody asked.
  report.excludeNetwork = true;
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`;
}
