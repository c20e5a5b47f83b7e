/** Installs, builds, and runs every test of both languages; arguments go to vitest. */
import { existsSync } from 'node:fs';
import { build } from './lib/build.mjs';
import { Checks } from './lib/checks.mjs';
import { at } from './lib/root.mjs';
import { main, quietly } from './lib/run.mjs';
import { setUp } from './lib/install.mjs';
import { vitest } from './lib/vitest.mjs';

await main(async () => {
  await setUp();
  const native = await build();
  const checks = new Checks();
  await checks.run('generated files', async () => {
    await quietly('Checking generated files', process.execPath, ['scripts/generate.mjs', '--check']);
  });
  if (native.built) await checks.run('Rust tests', rustTests);
  else checks.skip('Rust tests', native.reason);
  await checks.run('TypeScript tests', () => {
    vitest(process.argv.slice(2), vitestEnvironment(native));
  });
  if (!native.built) checks.skip('native tests', native.reason);
  checks.summarise();
});

async function rustTests() {
  const output = await quietly('Testing Rust', 'cargo', ['test', '--no-default-features', '--no-fail-fast']);
  const passed = [...output.matchAll(/test result: ok\. (\d+) passed/g)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
  return `${passed} tests`;
}

/** An addon that was left over from an earlier build is not tested when this build was without one. */
function vitestEnvironment({ built }) {
  return !built && existsSync(at('native', 'binding.cjs')) ? { QWORMHOLE_NATIVE: '0' } : {};
}
