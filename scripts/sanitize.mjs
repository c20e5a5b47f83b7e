/**
 * Looks for what tests alone do not see, in what they run: `node scripts/sanitize.mjs [address|thread|model|miri]`, one
 * after the other without arguments; `--project NAME` has `address` run these projects of the suite alone.
 *
 * It ends with a table; exit code 1 when something was found, failed or is missing. docs/sanitizers.md says what each of
 * them needs and finds.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { at, bin } from './lib/root.mjs';
import { main, openly, outputOf, quietly, StepError } from './lib/run.mjs';
import { table } from './lib/text.mjs';

/** The suite on the native backend, on each carrier and both ways of I/O; mixed pairings run the same code. */
const PROJECTS = [
  'native',
  'native-faults',
  'native-lp',
  'native-ws',
  'native-tls',
  'native-wss',
  'native-unix',
  'native-only',
  'native-inline',
  'native-inline-only',
  'attack',
];

/** What AddressSanitizer keeps of what was freed unless told otherwise, and as much again for what lies around blocks. */
const QUARANTINE_BYTES = 2 * 256 * 1024 * 1024;

/** Tests that say nothing about an addon that is many times slower, and why. */
const NOT_UNDER_ADDRESS = {
  'lets timers run while slow listeners have much to do': 'counts what is done in 5 ms',
};

/** What has no second thread is left out: it takes minutes, and nothing can be found. */
const NOT_UNDER_THREAD = ['ws::', 'fuzzing::', 'instructions::', 'link::packer'];

/** Memory that is lent: Miri has no sockets as they are used here, and takes minutes for what takes a second. */
const UNDER_MIRI = [
  'exchange::tests::batches',
  'exchange::tests::events',
  'room::without_a_slab',
  'driver::handle',
  'link::intake',
];

const folderOf = (name) => at('target', name);
const reportsOf = (name) => at('target', name, 'reports');

/** Both are options of the unstable compiler, and work on the stable one. */
const unstable = (sanitizer) => ({
  CARGO_TARGET_DIR: folderOf(sanitizer),
  RUSTC_BOOTSTRAP: '1',
  RUSTFLAGS: `-Zsanitizer=${sanitizer}`,
});

const KINDS = {
  /** The addon under AddressSanitizer, with gcc's runtime: the process is Node's. */
  async address({ project: projects = PROJECTS }) {
    const runtime = outputOf('gcc', ['-print-file-name=libasan.so']);
    if (runtime === undefined || !existsSync(runtime)) throw new StepError('gcc and its libasan are needed.');
    const args = ['build', '--profile', 'dev-opt', '--lib', '--target', host()];
    await quietly('Building an addon under AddressSanitizer', 'cargo', args, unstable('address'));
    const addon = join(folderOf('address'), 'qwormhole.node');
    copyFileSync(join(folderOf('address'), host(), 'dev-opt', 'libqwormhole.so'), addon);
    const env = {
      QWORMHOLE_NATIVE_PATH: addon,
      QWORMHOLE_ATTACK_QUARANTINE: String(QUARANTINE_BYTES),
      LD_PRELOAD: runtime,
      // V8 frees nothing at its end, so all of it would count as leaked; a page of ours that is touched is none of
      // its traps. Processes that tests start report as well.
      ASAN_OPTIONS: `detect_leaks=0:handle_segv=0:log_path=${join(freshReports('address'), 'report')}`,
    };
    return projects.map((project) => ['address', ...suite(project, env), reported('address')]);
  },

  /** The Rust tests and the standard library under ThreadSanitizer. */
  async thread() {
    const source = join(outputOf('rustc', ['--print', 'sysroot']) ?? '', 'lib/rustlib/src/rust/library');
    if (!existsSync(source)) throw new StepError('Needed: rustup component add rust-src.');
    const args = ['-Zbuild-std', '--target', host(), '--lib'];
    const skipped = NOT_UNDER_THREAD.flatMap((name) => ['--skip', name]);
    const output = await rustTests('ThreadSanitizer', [], args, skipped, {
      ...unstable('thread'),
      // To name the frames of one panic takes half a minute, and tests wait no longer than that.
      RUST_BACKTRACE: '0',
      // What is found is counted here; a test that passes all the same has passed.
      TSAN_OPTIONS: `exitcode=0:log_path=${join(freshReports('thread'), 'report')}`,
    });
    return [['thread', 'cargo test', ...counted(output), reported('thread')]];
  },

  /** Threads in many orders: docs/sanitizers.md. */
  async model() {
    const output = await rustTests('the models', [], ['--features', 'model', '--lib', 'model'], []);
    return [['model', 'cargo test', ...counted(output), '–']];
  },

  /** Undefined behaviour, by an interpreter. */
  async miri() {
    if (outputOf('cargo', ['+nightly', 'miri', '--version']) === undefined)
      throw new StepError('Needed: rustup toolchain install nightly --component miri,rust-src.');
    const output = await rustTests('Miri', ['+nightly', 'miri'], ['--lib'], UNDER_MIRI, {
      CARGO_TARGET_DIR: folderOf('miri'),
      // Tests read vectors; and what they leak, they leak on purpose.
      MIRIFLAGS: '-Zmiri-disable-isolation -Zmiri-ignore-leaks',
      PROPTEST_CASES: '2',
    });
    return [['miri', 'cargo test', ...counted(output), '–']];
  },
};

await main(async () => {
  const { values, positionals: wanted } = parseArgs({
    allowPositionals: true,
    options: { project: { type: 'string', multiple: true } },
  });
  const unknown = wanted.find((name) => !Object.hasOwn(KINDS, name));
  if (unknown !== undefined) throw new StepError(`There are ${Object.keys(KINDS).join(', ')}.`);
  const rows = [];
  const failures = [];
  for (const name of wanted.length > 0 ? wanted : Object.keys(KINDS)) {
    try {
      rows.push(...(await KINDS[name](values)));
    } catch (error) {
      failures.push(`${name}: ${error.message}`);
    }
  }
  console.log(`\n${table(['kind', 'tests', 'passed', 'failed', 'left out', 'reports'], rows)}`);
  for (const [name, why] of Object.entries(NOT_UNDER_ADDRESS)) console.log(`left out: "${name}" ${why}`);
  if (rows.some(([, , , failed, , reports]) => failed > 0 || reports > 0)) failures.push('See above.');
  if (failures.length > 0) throw new StepError(failures.join('\n'));
});

function host() {
  const [, name] = /host: (\S+)/.exec(outputOf('rustc', ['-vV']) ?? '') ?? [];
  if (name === undefined) throw new StepError('rustc is needed.');
  return name;
}

/** Where processes write what they find, a file each; empty. */
function freshReports(name) {
  rmSync(reportsOf(name), { recursive: true, force: true });
  mkdirSync(reportsOf(name), { recursive: true });
  return reportsOf(name);
}

/** Shows what was found since this was last asked; gives its number. */
function reported(name) {
  const files = readdirSync(reportsOf(name)).map((file) => join(reportsOf(name), file));
  for (const file of files) {
    console.log(readFileSync(file, 'utf8'));
    rmSync(file);
  }
  return files.length;
}

/** Runs a project of the suite: its name, and how many tests passed, failed and were left out. */
function suite(project, env) {
  const file = at('target', 'address', `${project}.json`);
  rmSync(file, { force: true });
  const others = `^(?!.*(${Object.keys(NOT_UNDER_ADDRESS).join('|')}))`;
  const chosen = ['--project', project, '-t', others];
  // Time runs out where all is many times slower, and the machine may be busy; what is reported counts all the same.
  const options = ['--retry=2', '--reporter=minimal', '--reporter=json', `--outputFile.json=${file}`];
  try {
    openly(project, bin('vitest'), ['run', ...chosen, ...options], env);
  } catch (error) {
    if (!existsSync(file)) throw error;
  }
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(file, 'utf8'));
  return [project, numPassedTests, numFailedTests, numPendingTests];
}

async function rustTests(title, cargo, options, filters, env = {}) {
  const args = [...cargo, 'test', '--no-default-features', ...options, '--', ...filters];
  return await quietly(`Testing Rust: ${title}`, 'cargo', args, env);
}

/** How many tests passed, failed and were left out, by what cargo printed. */
function counted(output) {
  const [, ...numbers] = /(\d+) passed; (\d+) failed; (\d+) ignored/.exec(output) ?? [];
  if (numbers.length === 0) throw new StepError('cargo has not said how many tests it has run.');
  const [passed, failed, left] = numbers.map(Number);
  // Filters go by names, and would find nothing behind one that was changed.
  if (passed + failed === 0) throw new StepError('No test has the names that were asked for.');
  return [passed, failed, left];
}
