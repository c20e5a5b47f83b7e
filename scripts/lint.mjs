/** Every linter and formatter of both languages, without changing a file. */
import { Checks } from './lib/checks.mjs';
import { nativePlan } from './lib/native.mjs';
import { bin } from './lib/root.mjs';
import { main, quietly } from './lib/run.mjs';
import { setUp } from './lib/install.mjs';

const WARNINGS = ['--', '-D', 'warnings'];

const SCRIPT_CHECKS = [
  ['oxlint', bin('oxlint'), ['--deny-warnings']],
  ['oxfmt', bin('oxfmt'), ['--check']],
  ['tsc', bin('tsc'), ['--noEmit', '-p', 'tsconfig.json']],
];

const RUST_CHECKS = [
  ['cargo fmt', 'cargo', ['fmt', '--all', '--check']],
  ['cargo clippy', 'cargo', ['clippy', '--workspace', '--all-targets', ...WARNINGS]],
  ['cargo clippy without addon', 'cargo', ['clippy', '--no-default-features', '--all-targets', ...WARNINGS]],
  [
    'cargo clippy for fuzzing',
    'cargo',
    ['clippy', '--lib', '--no-default-features', '--features', 'fuzzing', ...WARNINGS],
  ],
  ['cargo doc', 'cargo', ['doc', '--no-deps']],
  ['cargo doc without addon', 'cargo', ['doc', '--no-deps', '--no-default-features']],
];

await main(async () => {
  await setUp();
  const rust = nativePlan();
  const checks = new Checks();
  for (const [title, command, args] of SCRIPT_CHECKS) {
    await checks.run(title, () => silently(title, command, args));
  }
  await checks.run('workflows', async () => {
    // Not before it is installed.
    const { checkWorkflows } = await import('./lib/workflows.mjs');
    return checkWorkflows();
  });
  for (const [title, command, args] of RUST_CHECKS) {
    if (rust.build) await checks.run(title, () => silently(title, command, args));
    else checks.skip(title, rust.reason);
  }
  checks.summarise();
});

/** All that rustdoc has to say is a fault; the other tools do not look at its flags. */
async function silently(title, command, args) {
  await quietly(title, command, args, { RUSTDOCFLAGS: '-D warnings' });
}
