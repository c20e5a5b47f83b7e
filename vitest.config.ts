/**
 * One behaviour suite, run whole on each backend, and the unit tests once. Without a built addon the project
 * `native` is left out; QWORMHOLE_NATIVE=0 leaves it out too, and =1 leaves it in so that it fails loudly.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const alias = [
  { find: /^qwormhole$/, replacement: at('./ts/index.ts') },
  { find: /^qwormhole\/native$/, replacement: at('./ts/native.ts') },
  { find: /^qwormhole\/internal$/, replacement: at('./ts/internal.ts') },
];

/** Sockets and worker threads are torn down between files, so each file has a process of its own. */
const shared = { pool: 'forks', testTimeout: 20_000, hookTimeout: 20_000 } as const;

function project(name: string, include: string[], native: string | undefined): TestProjectConfiguration {
  const env = native === undefined ? {} : { QWORMHOLE_NATIVE: native };
  return { resolve: { alias }, test: { ...shared, name, include, env } };
}

const wish = process.env.QWORMHOLE_NATIVE ?? '';
const never = ['0', 'disable', 'force-ts'].includes(wish);
const forced = ['1', 'force'].includes(wish);
const withNative = !never && (forced || existsSync(at('./native/binding.cjs')));
if (!withNative) {
  const reason = never ? `QWORMHOLE_NATIVE=${wish}` : 'the addon is not built';
  console.log(`native tests: skipped (${reason})`);
}

const behaviour = ['test/behaviour/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/unit/**/*.test.ts'], undefined),
      project('ts', behaviour, 'force-ts'),
      ...(withNative ? [project('native', behaviour, 'force')] : []),
    ],
  },
});
