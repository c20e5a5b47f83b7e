/**
 * How much of the code the JavaScript suite runs: lines of TypeScript, by V8, in the tests and in the programs that they
 * start, and of the Rust that the addon is made of, by LLVM, with an addon that counts: `npm run coverage`, or
 * `node scripts/coverage.mjs [ts|native]`. Exit code 1 below the bounds. Line by line it is written to target/coverage/ts
 * (without the programs) and target/coverage/native.
 *
 * Needs `rustup component add llvm-tools`, and for programs dist/ as the sources are.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

import { linesOf, linesOfChildren } from './lib/child-coverage.mjs';
import { at, bin, root } from './lib/root.mjs';
import { main, openly, outputOf, quietly, StepError } from './lib/run.mjs';
import { table } from './lib/text.mjs';

/** Of all lines, percent. */
const LEAST = { ts: 90, native: 85 };

const PROFILES = at('target', 'coverage', 'profiles');
const LIBRARY = at('target', 'coverage', 'dev-opt', 'libqwormhole.so');
/** Node goes by the extension. */
const ADDON = at('target', 'coverage', 'qwormhole.node');
const REPORT = at('target', 'coverage', 'ts', 'coverage-final.json');
const CHILDREN = at('target', 'coverage', 'children');
const PAGES = at('target', 'coverage', 'native');

/** Each of them once: other pairings and protocols run the same code. */
const NATIVE_PROJECTS = [
  'native',
  'native-faults',
  'native-lp',
  'native-ws',
  'native-tls',
  'native-only',
  'native-inline-only',
];
const TS_PROJECTS = [
  'unit',
  'selection',
  'cli',
  'ts',
  'ts-lp',
  'ts-ws',
  'ts-tls',
  'ts-unix',
  'ts-wss',
  'ts-faults',
  ...NATIVE_PROJECTS,
];

/**
 * What no JavaScript can reach: the API for Rust programs with the way it runs links (tests/, examples/ and test/rust are
 * for that), and code of tests.
 */
const OF_RUST_ALONE = /^src\/(api\/|fuzzing\/|driver\/local\.rs|instructions\.rs)|\/(tests|fuzzing)(\/|\.rs)/;

const wanted = process.argv.slice(2);
const wants = (part) => wanted.length === 0 || wanted.includes(part);

await main(async () => {
  const failures = [];
  if (wants('ts')) failures.push(...check('ts', await ofTypeScript()));
  if (wants('native')) failures.push(...check('native', await ofNative()));
  if (failures.length > 0) throw new StepError(failures.join('\n'));
});

/** @param {{ file: string, lines: number, covered: number }[]} files */
function check(part, files) {
  const folders = new Map();
  for (const { file, lines, covered } of files) {
    const folder = file.split('/').slice(0, -1).join('/');
    const sum = folders.get(folder) ?? { lines: 0, covered: 0 };
    folders.set(folder, { lines: sum.lines + lines, covered: sum.covered + covered });
  }
  const rows = [...folders].sort(([a], [b]) => (a < b ? -1 : 1));
  const total = sumOf(files);
  const cells = [...rows, ['all', total]].map(([name, { lines, covered }]) => [
    name,
    lines,
    percent(lines, covered),
  ]);
  console.log(`\n${table([`lines of ${part}`, 'all', 'run'], cells)}`);
  const thin = files.filter(({ lines, covered }) => lines >= 20 && covered / lines < 0.7);
  if (thin.length > 0) console.log(`\nLess than 70 %: ${thin.map(nameOf).join(', ')}`);
  const share = (100 * total.covered) / total.lines;
  return share >= LEAST[part]
    ? []
    : [`${share.toFixed(1)} % of the lines of ${part} are run, not ${LEAST[part]} %.`];
}

function nameOf({ file, lines, covered }) {
  return `${file} (${percent(lines, covered)})`;
}

function sumOf(files) {
  const sum = (name) => files.reduce((total, file) => total + file[name], 0);
  return { lines: sum('lines'), covered: sum('covered') };
}

function percent(all, part) {
  return `${((100 * part) / Math.max(all, 1)).toFixed(1)} %`;
}

/** Runs projects of the suite; what fails there is the business of `npm test`, and is said. */
function runSuite(title, projects, args, env) {
  const chosen = projects.flatMap((name) => ['--project', name]);
  try {
    openly(title, bin('vitest'), ['run', '--reporter=minimal', ...chosen, ...args], env);
  } catch (error) {
    console.log(`${error.message}: some tests failed, what they did not run is not counted`);
  }
}

async function ofTypeScript() {
  await quietly('Building what programs run', bin('tsc'), ['-p', 'tsconfig.build.json']);
  rmSync(CHILDREN, { recursive: true, force: true });
  mkdirSync(CHILDREN, { recursive: true });
  const options = [
    '--coverage.enabled',
    '--coverage.reportOnFailure',
    '--coverage.provider=v8',
    '--coverage.include=ts/**/*.ts',
    '--coverage.reporter=json',
    '--coverage.reporter=html',
    `--coverage.reportsDirectory=${join('target', 'coverage', 'ts')}`,
  ];
  runSuite('Running the suite for TypeScript', TS_PROJECTS, options, { NODE_V8_COVERAGE: CHILDREN });
  const ofChildren = await linesOfChildren(CHILDREN);
  return Object.entries(JSON.parse(readFileSync(REPORT, 'utf8')))
    .map(([path, file]) => {
      const lines = [...linesOf(file)];
      const isRun = ([line, count]) => count > 0 || (ofChildren.get(path)?.get(line) ?? 0) > 0;
      return {
        file: relative(root, path).replaceAll('\\', '/'),
        lines: lines.length,
        covered: lines.filter(isRun).length,
      };
    })
    .filter(({ file }) => file.startsWith('ts/'));
}

async function ofNative() {
  const tools = llvmTools();
  await quietly('Building an addon that counts', 'cargo', ['build', '--profile', 'dev-opt', '--lib'], {
    CARGO_TARGET_DIR: at('target', 'coverage'),
    // Counted in the file itself: a process that is killed has counted too.
    RUSTFLAGS: '-C instrument-coverage -C llvm-args=-runtime-counter-relocation',
  });
  copyFileSync(LIBRARY, ADDON);
  rmSync(PROFILES, { recursive: true, force: true });
  mkdirSync(PROFILES, { recursive: true });
  runSuite('Running the suite for Rust', NATIVE_PROJECTS, [], {
    QWORMHOLE_NATIVE_PATH: ADDON,
    LLVM_PROFILE_FILE: join(PROFILES, '%p%c.profraw'),
  });
  const merged = at('target', 'coverage', 'all.profdata');
  const raw = readdirSync(PROFILES).map((name) => join(PROFILES, name));
  await quietly('Adding it up', tools('llvm-profdata'), [
    'merge',
    '--sparse',
    '--failure-mode=all',
    '-o',
    merged,
    ...raw,
  ]);
  const profile = `--instr-profile=${merged}`;
  const pages = ['show', '--format=html', `--output-dir=${PAGES}`, profile, ADDON, at('src')];
  await quietly('Writing it line by line', tools('llvm-cov'), pages);
  const report = outputOf(tools('llvm-cov'), ['export', '--summary-only', profile, ADDON]);
  const [{ files }] = JSON.parse(report ?? '{"data":[{"files":[]}]}').data;
  return files
    .map(({ filename, summary: { lines } }) => ({
      file: relative(root, filename),
      lines: lines.count,
      covered: lines.covered,
    }))
    .filter(({ file }) => file.startsWith('src/') && !OF_RUST_ALONE.test(file));
}

/** The tools of the compiler's own LLVM: others cannot read what it writes. */
function llvmTools() {
  const sysroot = outputOf('rustc', ['--print', 'sysroot']) ?? '';
  const [, host] = /host: (\S+)/.exec(outputOf('rustc', ['-vV']) ?? '') ?? [];
  const folder = join(sysroot, 'lib', 'rustlib', host ?? '', 'bin');
  if (!existsSync(join(folder, 'llvm-cov')))
    throw new StepError('The tools of LLVM are needed: rustup component add llvm-tools.');
  return (name) => join(folder, name);
}
