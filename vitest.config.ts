/**
 * One behaviour suite, run over all four pairings of backends (client to server), and the tests that
 * are about one thing only. Without a built addon what needs one is left out; QWORMHOLE_NATIVE=0 leaves it
 * out too, and =1 leaves it in so that it fails loudly.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What the tests import by the package's names is its source. */
function aliases(main: string) {
  return [
    { find: /^qwormhole$/, replacement: at(main) },
    { find: /^qwormhole\/(http|express|fastify)$/, replacement: at('./ts/frameworks/$1.ts') },
    { find: /^qwormhole\/native$/, replacement: at('./ts/native.ts') },
    { find: /^qwormhole\/testing$/, replacement: at('./ts/testing/index.ts') },
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
  // Who waits for something may be one of several on a busy machine; who has it does not wait.
  expect: { poll: { timeout: 15_000 } },
} as const;

export interface Settings {
  readonly env?: Record<string, string>;
  readonly main?: string;
  readonly exclude?: string[];
  /** How long a test may take, ms. */
  readonly patience?: number;
}

/** A project of tests: `main` is what they import as the package. */
export function project(
  name: string,
  include: string | string[],
  { env = {}, main = './ts/index.ts', exclude = [], patience = shared.testTimeout }: Settings = {},
) {
  return {
    resolve: { alias: aliases(main) },
    test: { ...shared, testTimeout: patience, name, include: [include].flat(), exclude, env },
  } satisfies TestProjectConfiguration;
}

const behaviour = (names: string[]) => names.map((name) => `test/behaviour/${name}.test.ts`);
const BEHAVIOUR = 'test/behaviour/**/*.test.ts';
const QWH_ONLY = 'test/behaviour-qwh/**/*.test.ts';
const WS_ONLY = 'test/behaviour-ws/**/*.test.ts';
const UNIX_ONLY = 'test/behaviour-unix/**/*.test.ts';
const TLS_ONLY = 'test/behaviour-tls/**/*.test.ts';

/**
 * What runs where. The suite is about three things: policy, which exists once and is the same whatever carries its
 * messages; each backend's links; and the bytes between two of them. So all of it runs where both ends are of one
 * backend, over TCP and the default protocol, qwh. Everywhere else run the files whose subject passes through what is
 * different there:
 *
 * | Projects                     | Over       | Protocol          | Files                                              |
 * | ---------------------------- | ---------- | ----------------- | -------------------------------------------------- |
 * | `ts`, `native`               | TCP        | qwh               | all, and what only qwh has                         |
 * | `ts-to-native`, and back     | TCP        | qwh               | `SESSION`: what both ends have to agree on         |
 * | `…-lp`                       | TCP        | length-prefixed   | `FRAMING`; mixed: `CROSSING`, cut messages         |
 * | `…-ws`                       | WebSocket  | raw               | `UPGRADED`; mixed: `CROSSING`; what only it has    |
 * | `…-tls`                      | TLS        | qwh               | `THROUGH_RECORDS`; mixed: fewer; what only TLS has |
 * | `…-unix`                     | Unix socket | qwh              | `LOCAL`; mixed: `CROSSING`; what only it has       |
 * | `…-wss`                      | both       | qwh               | `CROSSING`, and what only qwh has; not mixed: more |
 *
 * `native` is on I/O threads. `native-inline` runs the same without them, over TCP and WebSocket; TLS is the same there
 * but for who waits for whom, `CROSSING`.
 */
/** The shortest that still cross every seam. */
const CROSSING = ['backpressure', 'broadcast', 'close', 'echo', 'slow-reader', 'transfer'];
/** Sizes, ends and order of messages on the wire. */
const STREAM = [
  ...CROSSING,
  'classes',
  'drained-flushed-signals',
  'pause-resume',
  'server-close',
  'stats-add-up',
];
const SESSION = [...STREAM, 'chaos', 'draining', 'liveness', 'reconnect', 'telemetry'];
/** What is about TCP alone: bytes cut inside of a message, lengths in front of it, an end of one side. */
const CUT = ['half-close', 'oversized', 'truncated'];
const FRAMING = [...STREAM, ...CUT, 'batching', 'chaos', 'iteration', 'rates'];
const UPGRADED = [
  ...STREAM,
  'attempts',
  'batching',
  'chaos',
  'draining',
  'iteration',
  'liveness',
  'rates',
  'telemetry',
];
const THROUGH_RECORDS = [...STREAM, 'attempts', 'chaos', 'half-close', 'truncated'];

const LP = { QWORMHOLE_TEST_PROTOCOL: 'length-prefixed' };
const LP_MIXED = behaviour([...CROSSING, 'half-close', 'truncated']);
const WS = [...behaviour(UPGRADED), WS_ONLY];
/** The others have foreign peers: which backend those meet is all that matters. */
const WS_BOTH_ENDS = ['client', 'close', 'deflate', 'messages', 'subprotocols', 'topics'];
const WS_MIXED = [...behaviour(CROSSING), ...WS_BOTH_ENDS.map((name) => `test/behaviour-ws/${name}.test.ts`)];
const OVER_WS = { QWORMHOLE_TEST_CARRIER: 'ws', ...LP };
const TLS = [...behaviour(THROUGH_RECORDS), TLS_ONLY];
const TLS_MIXED = [...behaviour([...CROSSING, 'half-close', 'truncated']), TLS_ONLY];
/** Bytes go as over TCP, but for who may connect, and for an end that is no reset. */
const LOCAL = [
  ...behaviour([...CROSSING, 'half-close', 'pause-resume', 'server-close', 'truncated']),
  UNIX_ONLY,
];
const OVER_UNIX = { QWORMHOLE_TEST_CARRIER: 'unix' };
const OVER_TLS = { QWORMHOLE_TEST_CARRIER: 'tls' };
const WSS = [
  ...behaviour(CROSSING),
  'test/behaviour-ws/attach.test.ts',
  'test/behaviour-ws/close.test.ts',
  QWH_ONLY,
  TLS_ONLY,
];
/** What TLS, and WebSocket, are for each other's backends is tested without the other one. */
const WSS_MIXED = [...behaviour(CROSSING), QWH_ONLY];
const OVER_WSS = { QWORMHOLE_TEST_CARRIER: 'wss' };

function mixed(
  name: string,
  include: string | string[],
  tsSide: 'server' | 'client',
  env: Record<string, string> = {},
) {
  return project(name, include, {
    main: './test/support/pairing.ts',
    env: { QWORMHOLE_NATIVE: 'force', QWORMHOLE_TEST_TS_SIDE: tsSide, ...env },
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

const IS_WINDOWS = process.platform === 'win32';
const TS = { QWORMHOLE_NATIVE: 'force-ts' };
const NATIVE = { QWORMHOLE_NATIVE: 'force', QWORMHOLE_IO: 'threads' };
const INLINE = { QWORMHOLE_NATIVE: 'force', QWORMHOLE_IO: 'inline' };
/** What is about the I/O side itself, and how it ends. */
const IO_ENDS = ['adopt', 'last-words', 'moved-slabs', 'paused-memory', 'runtime-failure', 'teardown'];

/** Faults of the system around us, on each backend: signals, limits and clocks of POSIX. */
const FAULTS = 'test/faults/**/*.test.ts';

/** None on Windows. */
function hasUnix(name: string, include: string[], env: Record<string, string>) {
  return IS_WINDOWS ? [] : [project(name, include, { env: { ...env, ...OVER_UNIX } })];
}

const inline = [
  project('native-inline', [BEHAVIOUR, QWH_ONLY], { env: INLINE }),
  project('native-inline-ws', WS, { env: { ...INLINE, ...OVER_WS } }),
  project('native-inline-tls', behaviour(CROSSING), { env: { ...INLINE, ...OVER_TLS } }),
  ...hasUnix('native-inline-unix', LOCAL, INLINE),
  project('native-inline-wss', behaviour(CROSSING), { env: { ...INLINE, ...OVER_WSS } }),
  project(
    'native-inline-only',
    IO_ENDS.map((name) => `test/native/${name}.test.ts`),
    { env: { ...INLINE, QWORMHOLE_NATIVE: 'auto', RUST_BACKTRACE: '0' } },
  ),
];

const native = [
  project('native', [BEHAVIOUR, QWH_ONLY], { env: NATIVE }),
  ...(IS_WINDOWS ? [] : [project('native-faults', FAULTS, { env: NATIVE })]),
  project('native-lp', behaviour(FRAMING), { env: { ...NATIVE, ...LP } }),
  project('native-ws', WS, { env: { ...NATIVE, ...OVER_WS } }),
  project('native-tls', TLS, { env: { ...NATIVE, ...OVER_TLS } }),
  ...hasUnix('native-unix', LOCAL, NATIVE),
  project('native-wss', WSS, { env: { ...NATIVE, ...OVER_WSS } }),
  ...(['client', 'server'] as const).flatMap((side) => {
    const pairing = side === 'client' ? 'ts-to-native' : 'native-to-ts';
    return [
      mixed(pairing, [...behaviour(SESSION), QWH_ONLY], side),
      mixed(`${pairing}-lp`, LP_MIXED, side, LP),
      mixed(`${pairing}-ws`, WS_MIXED, side, OVER_WS),
      mixed(`${pairing}-tls`, TLS_MIXED, side, OVER_TLS),
      mixed(`${pairing}-wss`, WSS_MIXED, side, OVER_WSS),
      ...(IS_WINDOWS ? [] : [mixed(`${pairing}-unix`, behaviour(CROSSING), side, OVER_UNIX)]),
    ];
  }),
  // Its panics are made on purpose: their backtraces would hide what really goes wrong.
  project('native-only', 'test/native/**/*.test.ts', {
    env: { QWORMHOLE_NATIVE: 'auto', QWORMHOLE_IO: 'threads', RUST_BACKTRACE: '0' },
  }),
  ...(process.platform === 'linux' ? inline : []),
];

export default defineConfig({
  test: {
    // A long log hides what failed: only that may speak, and no test is worth a line for being slow.
    silent: 'passed-only',
    slowTestThreshold: 60_000,
    // Tests wait more than they compute.
    maxWorkers: availableParallelism() + 1,
    projects: [
      project('unit', 'test/unit/**/*.test.ts'),
      project('selection', 'test/*.test.ts'),
      project('cli', 'test/cli/**/*.test.ts'),
      // Hostile peers: each file attacks programs of its own on every backend.
      project('attack', 'test/attack/*.test.ts', { env: { QWORMHOLE_NATIVE: wish } }),
      // The same bytes to both languages and a third implementation: what needs the addon or cargo is left out
      // without.
      project('differential', 'test/differential/**/*.test.ts', {
        env: { QWORMHOLE_NATIVE: withNative ? 'auto' : 'force-ts' },
        exclude: withNative ? [] : ['test/differential/backends.test.ts'],
      }),
      // Peers in Rust, over sockets: left out without cargo.
      project('rust', 'test/rust/**/*.test.ts', {
        env: { QWORMHOLE_NATIVE: withNative ? 'force' : 'force-ts' },
      }),
      // Programs that start programs, a second each and many at once.
      project('docs', 'test/docs/**/*.test.ts', { patience: 120_000 }),
      project('examples', 'test/examples/**/*.test.ts', { patience: 120_000 }),
      project('ts', [BEHAVIOUR, QWH_ONLY], { env: TS }),
      ...(IS_WINDOWS ? [] : [project('ts-faults', FAULTS, { env: TS })]),
      project('ts-lp', behaviour(FRAMING), { env: { ...TS, ...LP } }),
      project('ts-ws', WS, { env: { ...TS, ...OVER_WS } }),
      project('ts-tls', TLS, { env: { ...TS, ...OVER_TLS } }),
      ...hasUnix('ts-unix', LOCAL, TS),
      project('ts-wss', WSS, { env: { ...TS, ...OVER_WSS } }),
      ...(withNative ? native : []),
    ],
  },
});
