/** The option `--backend`, which every command that talks has. */
import { QWormholeError } from '../errors/error.js';
import type { Backend, Mode } from '../link/link.js';
import { decideNativeUse, NATIVE_VARIABLE } from '../policy/native-switch.js';
import type { Io } from '../policy/io.js';
import type { Arguments, OptionSpec } from './arguments.js';

/** Its line in the table of options. */
export const BACKEND_OPTION: OptionSpec = {
  value: 'auto|native|ts',
  help: 'native: the Rust core or an error; ts: TypeScript; default auto: native where it loads',
};

/**
 * The library's options for the wish. `native` is a matter of the whole process and goes into its environment.
 * @throws QWormholeError `ERR_QW_NATIVE_UNAVAILABLE` where the environment forbids what is wished.
 */
export function backendOptions(given: Arguments): { readonly forceTs?: true } {
  const wish = given.choice('backend', ['auto', 'native', 'ts'], 'auto');
  if (wish === 'ts') return { forceTs: true };
  if (wish === 'auto') return {};
  const { use, reason } = decideNativeUse({});
  if (use === 'never') {
    const message = `The native backend is demanded by --backend native and forbidden by ${reason}`;
    throw new QWormholeError('ERR_QW_NATIVE_UNAVAILABLE', message);
  }
  process.env[NATIVE_VARIABLE] = 'force';
  return {};
}

/** For people: `native backend (rust, I/O on threads)`. */
export function describeBackend({
  mode,
  backend,
  io,
}: {
  readonly mode: Mode;
  readonly backend: Backend;
  readonly io?: Io | undefined;
}): string {
  if (mode === backend) return 'TypeScript backend';
  const where = io === undefined ? '' : `, I/O ${io === 'inline' ? 'inline' : 'on threads'}`;
  return `${mode} backend (${backend}${where})`;
}
