/** Whether the Rust part can and shall be built, by the switch that also chooses the backend at run time. */
import { outputOf, StepError } from './run.mjs';

const WISHES = {
  '': 'auto',
  auto: 'auto',
  1: 'force',
  force: 'force',
  0: 'never',
  disable: 'never',
  'force-ts': 'never',
};

/** How to get what is missing. */
const CURE = 'install Rust from https://rustup.rs (and a C compiler for linking), then run this again';

/** Decides: `{ build: true }`, or `{ build: false, reason }`. Throws where Rust is demanded and missing. */
export function nativePlan() {
  const value = process.env.QWORMHOLE_NATIVE ?? '';
  const wish = Object.hasOwn(WISHES, value) ? WISHES[value] : undefined;
  if (wish === undefined) {
    throw new StepError(`QWORMHOLE_NATIVE must be auto, 1, force, 0, disable or force-ts; it is "${value}".`);
  }
  if (wish === 'never') return { build: false, wish, reason: `QWORMHOLE_NATIVE=${value}` };
  if (outputOf('cargo', ['--version']) !== undefined) return { build: true, wish };
  if (wish === 'force') {
    throw new StepError(
      `QWORMHOLE_NATIVE=${value} demands the native backend, but there is no Rust toolchain: ${CURE}.`,
    );
  }
  return { build: false, wish, reason: 'no Rust toolchain', cure: CURE };
}
