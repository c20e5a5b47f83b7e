/**
 * Which backends may be tried, decided from the environment and the options alone. Precedence: any "never",
 * then "force", then the preference. A "never" is a promise that no native code is even looked for.
 */
import { describe } from '../describe.js';
import { QWormholeError } from '../errors/error.js';

/** The environment's variable that switches the native backend on or off. */
export const NATIVE_VARIABLE = 'QWORMHOLE_NATIVE';

/** What is allowed. `never` and `prefer-ts` leave the loader untouched. */
export type NativeUse = 'never' | 'force' | 'prefer-native' | 'prefer-ts';

/** A decision and, for people, what led to it. */
export interface NativeDecision {
  readonly use: NativeUse;
  readonly reason: string;
}

/** The options that have a say. */
export interface NativePreference {
  readonly forceTs?: boolean;
  readonly preferNative?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const MEANINGS: Readonly<Record<string, 'auto' | 'force' | 'never'>> = {
  '': 'auto',
  auto: 'auto',
  '1': 'force',
  force: 'force',
  '0': 'never',
  disable: 'never',
  'force-ts': 'never',
};

/** Decides; throws `ERR_QW_OPTION_INVALID` when the variable has a value without meaning. */
export function decideNativeUse(
  preference: NativePreference,
  environment: Environment = process.env,
): NativeDecision {
  const value = environment[NATIVE_VARIABLE] ?? '';
  // Also with forceTs: a mistake in the environment is better found where it does no harm.
  const variable = Object.hasOwn(MEANINGS, value) ? MEANINGS[value] : undefined;
  if (variable === undefined) throw invalidVariable(value);
  if (variable === 'never') return { use: 'never', reason: `${NATIVE_VARIABLE}=${value}` };
  if (preference.forceTs === true) return { use: 'never', reason: 'forceTs: true' };
  if (variable === 'force') return { use: 'force', reason: `${NATIVE_VARIABLE}=${value}` };
  if (preference.preferNative === false) return { use: 'prefer-ts', reason: 'preferNative: false' };
  return {
    use: 'prefer-native',
    reason: value === '' ? 'native is preferred by default' : `${NATIVE_VARIABLE}=${value}`,
  };
}

function invalidVariable(value: string): QWormholeError {
  const message = `The environment variable ${NATIVE_VARIABLE} must be auto, 1, force, 0, disable or force-ts; it is ${describe(value)}`;
  return new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { variable: NATIVE_VARIABLE } });
}
