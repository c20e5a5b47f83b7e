/**
 * One behaviour suite, run whole over all four pairings of backends (client to server), and the tests that
 * are about one thing only. Without a built addon what needs one is left out; QWORMHOLE_NATIVE=0 leaves it
 * out too, and =1 leaves it in so that it fails loudly.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What the tests import by the package's names is its source. */
function aliases(main: string) {
  return [
    { find: /^qwormhole$/, replacement: at(main) },
    { find: /^qwormhole\/native$/, replacement: at('./ts/native.ts') },
    { find: /^qwormhole\/internal$/, replacement: at('./ts/internal.ts') },
  ];
}

/** Sockets and worker threads are torn down between files, so each file has a process of its own. */
const shared = { pool: 'forks', testTimeout: 20_000, hookTimeout: 20_000 } as const;

interface Settings {
  readonly env?: Record<string, string>;
  readonly main?: string;
}

function project(name: string, include: string, { env = {}, main = './ts/index.ts' }: Settings = {}) {
  return {
    resolve: { alias: aliases(main) },
    test: { ...shared, name, include: [include], env },
  } satisfies TestProjectConfiguration;
}

const BEHAVIOUR = 'test/behaviour/**/*.test.ts';

function mixed(name: string, tsSide: 'server' | 'client') {
  return project(name, BEHAVIOUR, {
    main: './test/support/pairing.ts',
    env: { QWORMHOLE_NATIVE: 'force', QWORMHOLE_TEST_TS_SIDE: tsSide },
  });
}

const wish = process.env.QWORMHOLE_NATIVE ?? '';
const never = ['0', 'disable', 'force-ts'].includes(wish);
const forced = ['1', 'force'].includes(wish);
const withNative = !never && (forced || existsSync(at('./native/binding.cjs')));
if (!withNative) {
  const reason = never ? `QWORMHOLE_NATIVE=${wish}` : 'the addon is not built';
  console.log(`native tests: skipped (${reason})`);
}

const native = [
  project('native', BEHAVIOUR, { env: { QWORMHOLE_NATIVE: 'force' } }),
  mixed('ts-to-native', 'client'),
  mixed('native-to-ts', 'server'),
  // Its panics are made on purpose: their backtraces would hide what really goes wrong.
  project('native-only', 'test/native/**/*.test.ts', {
    env: { QWORMHOLE_NATIVE: 'auto', RUST_BACKTRACE: '0' },
  }),
];

export default defineConfig({
  test: {
    // A long log hides what failed: only that may speak, and no test is worth a line for being slow.
    silent: 'passed-only',
    slowTestThreshold: 60_000,
    projects: [
      project('unit', 'test/unit/**/*.test.ts'),
      project('selection', 'test/*.test.ts'),
      project('cli', 'test/cli/**/*.test.ts'),
      project('docs', 'test/docs/**/*.test.ts'),
      project('ts', BEHAVIOUR, { env: { QWORMHOLE_NATIVE: 'force-ts' } }),
      ...(withNative ? native : []),
    ],
  },
});
