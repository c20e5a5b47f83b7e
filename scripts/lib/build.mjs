/** Builds both parts: TypeScript into dist/, and Rust into native/ where that is possible and wanted. */
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { nativePlan } from './native.mjs';
import { at, bin } from './root.mjs';
import { quietly, StepError } from './run.mjs';

const NAPI = [
  'build',
  '--platform',
  '--release',
  '--output-dir',
  'native',
  '--js',
  'binding.cjs',
  '--dts',
  'binding.d.cts',
];

/**
 * Builds, and returns what became of the native part: `{ built: true }`, or `{ built: false, reason }`.
 * Throws when TypeScript does not build, or Rust does not although there is a toolchain.
 */
export async function build() {
  const plan = nativePlan();
  await buildTypeScript();
  if (plan.build) {
    await buildNative(plan.wish);
    return { built: true };
  }
  console.log(`Native backend: not built (${plan.reason}), TypeScript backend only.`);
  if (plan.cure) console.log(`  To have it: ${plan.cure}.`);
  return { built: false, reason: plan.reason };
}

async function buildTypeScript() {
  // What a deleted source left behind would still be shipped.
  rmSync(at('dist'), { recursive: true, force: true });
  await quietly('Building TypeScript', bin('tsc'), ['-p', 'tsconfig.build.json']);
  const program = at('dist', 'cli', 'main.js');
  if (existsSync(program)) chmodSync(program, 0o755);
}

async function buildNative(wish) {
  try {
    // Cargo itself knows what has changed; a first build takes a minute or two.
    await quietly('Building the native backend', bin('napi'), NAPI);
  } catch (error) {
    const way = wish === 'auto' ? '\nTo go on without it: QWORMHOLE_NATIVE=0.' : '';
    const linker = /linker .* not found/.test(error.message)
      ? '\nRust needs a C compiler for linking: install gcc or clang.'
      : '';
    throw new StepError(error.message + linker + way);
  }
}
