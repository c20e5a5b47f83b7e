/**
 * Installs, builds, and runs the tests with programs that others wrote; arguments go to vitest. Chromium comes
 * from the system's packages, where this may install them. Elsewhere what is not there is skipped by name; where it
 * could be had, as in CI, it must be, but for what QWORMHOLE_FOREIGN_SKIP names: `chromium`, `python`, or both with
 * a comma.
 */
import { existsSync } from 'node:fs';

import { build } from './lib/build.mjs';
import { setUp } from './lib/install.mjs';
import { virtualEnvironment } from './lib/python.mjs';
import { at, bin } from './lib/root.mjs';
import { main, openly, outputOf, quietly } from './lib/run.mjs';

const skipped = new Set((process.env.QWORMHOLE_FOREIGN_SKIP ?? '').toLowerCase().split(/[\s,]+/));

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

async function installPython() {
  await orSkip('Python', () => virtualEnvironment('foreign', at('test', 'foreign', 'requirements.txt')));
}

async function installChromium() {
  if ((existsSync('/usr/bin/chromium') && existsSync('/usr/bin/certutil')) || !canInstall()) return;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await orSkip('Chromium', async () => {
    await quietly('Package lists', 'apt-get', ['update', '-qq'], env);
    const packages = ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'libnss3-tools'];
    await quietly('Installing Chromium', 'apt-get', packages, env);
  });
}

/** Installs what the tests can do without; that they do is somebody's wish, or that of a machine of few rights. */
async function orSkip(name, install) {
  try {
    await install();
  } catch (error) {
    const isAskedFor = skipped.has(name.toLowerCase());
    if (canInstall() && !isAskedFor) throw error;
    console.log(`${name}: not installed (${error.message.trim().split('\n').at(-1)})`);
  }
}

/** Whether the system's packages are ours to install, as they are in CI. */
function canInstall() {
  return process.getuid?.() === 0 && outputOf('apt-get', ['--version']) !== undefined;
}
