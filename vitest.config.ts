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

/**
 * Sockets and worker threads are torn down between files, so each file has a process of its own. Faults are made on
 * purpose, and what node would print about them says nothing.
 */
const shared = {
  pool: 'forks',
  execArgv: ['--no-warnings'] as string[],
  testTimeout: 20_000,
  hookTimeout: 20_000,
} as const;

export interface Settings {
  readonly env?: Record<string, string>;
  readonly main?: string;
  readonly exclude?: string[];
}

/** A project of tests: `main` is what they import as the package. */
export function project(
  name: string,
  include: string | string[],
  { env = {}, main = './ts/index.ts', exclude = [] }: Settings = {},
) {
  return {
    resolve: { alias: aliases(main) },
    test: { ...shared, name, include: [include].flat(), exclude, env },
  } satisfies TestProjectConfiguration;
}

const BEHAVIOUR = 'test/behaviour/**/*.test.ts';
/** The same suite with WebSocket for TCP, and what only WebSocket has. */
const WEBSOCKET = [BEHAVIOUR, 'test/behaviour-ws/**/*.test.ts'];
/** What is about TCP alone: bytes cut inside of a message, lengths in front of it, an end of one side. */
const TCP_ONLY = ['truncated', 'oversized', 'half-close'].map((name) => `test/behaviour/${name}.test.ts`);
const OVER_WEBSOCKET = { QWORMHOLE_TEST_CARRIER: 'ws' };

/**
 * TLS lies below framing and policy, which the suite over TCP and WebSocket is about: over TLS run those files
 * whose subject passes through its records, their sizes and their ends, and what only TLS has. All of them where
 * both ends are of one backend; the shortest that still cross every seam where they are not, and over `wss://`.
 */
const CROSSING = ['backpressure', 'broadcast', 'close', 'echo', 'slow-reader', 'transfer'];
const THROUGH_RECORDS = [
  ...CROSSING,
  'attempts',
  'classes',
  'corking',
  'drained-flushed-signals',
  'half-close',
  'pause-resume',
  'reconnect',
  'server-close',
  'stats-add-up',
  'truncated',
];
const behaviour = (names: string[]) => names.map((name) => `test/behaviour/${name}.test.ts`);
const TLS_ONLY = 'test/behaviour-tls/**/*.test.ts';
const TLS = [...behaviour(THROUGH_RECORDS), TLS_ONLY];
const TLS_MIXED = [...behaviour([...CROSSING, 'half-close', 'truncated']), TLS_ONLY];
const OVER_TLS = { QWORMHOLE_TEST_CARRIER: 'tls' };
const WSS = [
  ...behaviour(CROSSING),
  'test/behaviour-ws/attach.test.ts',
  'test/behaviour-ws/close.test.ts',
  TLS_ONLY,
];
const OVER_WSS = { QWORMHOLE_TEST_CARRIER: 'wss' };

/** Over the protocol qwh run those files whose subject its frames and last words are, and what only it has. */
const QWH_ONLY = 'test/behaviour-qwh/**/*.test.ts';
const QWH = [
  ...[
    'backpressure',
    'classes',
    'close',
    'concurrency',
    'corking',
    'drained-flushed-signals',
    'echo',
    'flush-interval',
    'iteration',
    'pause-resume',
    'rates',
    'server-close',
    'slow-consumer',
    'stats-add-up',
    'transfer',
  ].map((name) => `test/behaviour/${name}.test.ts`),
  QWH_ONLY,
];
const OVER_QWH = { QWORMHOLE_TEST_PROTOCOL: 'qwh' };

function mixed(
  name: string,
  include: string | string[],
  tsSide: 'server' | 'client',
  env: Record<string, string> = {},
  exclude: string[] = [],
) {
  return project(name, include, {
    main: './test/support/pairing.ts',
    env: { QWORMHOLE_NATIVE: 'force', QWORMHOLE_TEST_TS_SIDE: tsSide, ...env },
    exclude,
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
  project('native-ws', WEBSOCKET, {
    env: { QWORMHOLE_NATIVE: 'force', ...OVER_WEBSOCKET },
    exclude: TCP_ONLY,
  }),
  mixed('ts-to-native', BEHAVIOUR, 'client'),
  mixed('ts-to-native-ws', WEBSOCKET, 'client', OVER_WEBSOCKET, TCP_ONLY),
  mixed('native-to-ts', BEHAVIOUR, 'server'),
  mixed('native-to-ts-ws', WEBSOCKET, 'server', OVER_WEBSOCKET, TCP_ONLY),
  project('native-tls', TLS, { env: { QWORMHOLE_NATIVE: 'force', ...OVER_TLS } }),
  project('native-wss', WSS, { env: { QWORMHOLE_NATIVE: 'force', ...OVER_WSS } }),
  mixed('ts-to-native-tls', TLS_MIXED, 'client', OVER_TLS),
  mixed('ts-to-native-wss', WSS, 'client', OVER_WSS),
  mixed('native-to-ts-tls', TLS_MIXED, 'server', OVER_TLS),
  mixed('native-to-ts-wss', WSS, 'server', OVER_WSS),
  project('native-qwh', QWH, { env: { QWORMHOLE_NATIVE: 'force', ...OVER_QWH } }),
  project('native-qwh-wss', QWH_ONLY, {
    env: { QWORMHOLE_NATIVE: 'force', ...OVER_QWH, ...OVER_WSS },
  }),
  mixed('ts-to-native-qwh', QWH_ONLY, 'client', OVER_QWH),
  mixed('native-to-ts-qwh', QWH_ONLY, 'server', OVER_QWH),
  mixed('ts-to-native-qwh-wss', QWH_ONLY, 'client', { ...OVER_QWH, ...OVER_WSS }),
  mixed('native-to-ts-qwh-wss', QWH_ONLY, 'server', { ...OVER_QWH, ...OVER_WSS }),
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
    // Tests wait more than they compute.
    maxWorkers: 2,
    projects: [
      project('unit', 'test/unit/**/*.test.ts'),
      project('selection', 'test/*.test.ts'),
      project('cli', 'test/cli/**/*.test.ts'),
      // The same bytes to both languages and a third implementation: what needs the addon or cargo is left out
      // without.
      project('differential', 'test/differential/**/*.test.ts', {
        env: { QWORMHOLE_NATIVE: withNative ? 'auto' : 'force-ts' },
        exclude: withNative ? [] : ['test/differential/backends.test.ts'],
      }),
      project('docs', 'test/docs/**/*.test.ts'),
      project('ts', BEHAVIOUR, { env: { QWORMHOLE_NATIVE: 'force-ts' } }),
      project('ts-ws', WEBSOCKET, {
        env: { QWORMHOLE_NATIVE: 'force-ts', ...OVER_WEBSOCKET },
        exclude: TCP_ONLY,
      }),
      project('ts-qwh', QWH, { env: { QWORMHOLE_NATIVE: 'force-ts', ...OVER_QWH } }),
      project('ts-qwh-wss', QWH_ONLY, {
        env: { QWORMHOLE_NATIVE: 'force-ts', ...OVER_QWH, ...OVER_WSS },
      }),
      project('ts-tls', TLS, { env: { QWORMHOLE_NATIVE: 'force-ts', ...OVER_TLS } }),
      project('ts-wss', WSS, { env: { QWORMHOLE_NATIVE: 'force-ts', ...OVER_WSS } }),
      ...(withNative ? native : []),
    ],
  },
});
