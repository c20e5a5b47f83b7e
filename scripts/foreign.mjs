/**
 * Installs, builds, and runs the tests with programs that others wrote; arguments go to vitest. Chromium comes
 * from the system's packages, where this may install them; what cannot be had is skipped by name.
 */
import { existsSync } from 'node:fs';

import { build } from './lib/build.mjs';
import { setUp } from './lib/install.mjs';
import { virtualEnvironment } from './lib/python.mjs';
import { at, bin } from './lib/root.mjs';
import { main, openly, outputOf, quietly } from './lib/run.mjs';

await main(async () => {
  await setUp();
  const { built, reason } = await build();
  await installChromium();
  await installPython();
  const backends = built ? ['ts', 'native'] : ['ts'];
  if (!built) console.log(`foreign programs, native backend: skipped (${reason})`);
  const projects = backends.flatMap((backend) => ['--project', `foreign-${backend}`]);
  const config = ['--config', 'vitest.foreign.config.ts'];
  const args = ['run', ...config, ...projects, ...process.argv.slice(2)];
  openly('Testing with foreign programs', bin('vitest'), args);
});

/** The tests say what they miss: nothing here has to fail. */
async function installPython() {
  try {
    await virtualEnvironment('foreign', at('test', 'foreign', 'requirements.txt'));
  } catch (error) {
    console.log(`Python: not installed (${error.message.trim().split('\n').at(-1)})`);
  }
}

async function installChromium() {
  const isRoot = process.getuid?.() === 0;
  if (existsSync('/usr/bin/chromium') || !isRoot || outputOf('apt-get', ['--version']) === undefined) return;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await quietly('Package lists', 'apt-get', ['update', '-qq'], env);
    const packages = ['install', '-y', '-qq', '--no-install-recommends', 'chromium'];
    await quietly('Installing Chromium', 'apt-get', packages, env);
  } catch (error) {
    console.log(`Chromium: not installed (${error.message.trim().split('\n').at(-1)})`);
  }
}
