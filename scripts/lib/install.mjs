/** Installs the JavaScript dependencies where they are missing or not those of the lockfile. */
import { existsSync, readFileSync } from 'node:fs';
import { at, bin } from './root.mjs';
import { outputOf, quietly, StepError } from './run.mjs';

const PNPM_MAJOR = 12;
const TITLE = 'Installing dependencies';

/** Installs what is missing; does nothing, and says nothing, when all is there. */
export async function setUp() {
  checkNode();
  if (isInstalled()) return;
  const [command, ...args] = packageManager();
  // Without a terminal pnpm would stop and ask before it replaces a stale node_modules.
  await quietly(TITLE, command, [...args, 'install', '--frozen-lockfile'], { CI: 'true' });
}

/** Checked here, since the errors of an old Node further on explain nothing. */
function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isEnough = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
  if (!isEnough)
    throw new StepError(`Node ${process.versions.node} is too old: 20.19 or 22.12 and newer are needed.`);
}

/** pnpm keeps a copy of the lockfile that it installed from. */
function isInstalled() {
  const installed = at('node_modules', '.pnpm', 'lock.yaml');
  return existsSync(installed) && read(installed) === read(at('pnpm-lock.yaml'));
}

function read(path) {
  return readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
}

function packageManager() {
  for (const command of [bin('pnpm'), 'pnpm']) {
    if (Number.parseInt(outputOf(command, ['--version']) ?? '', 10) >= PNPM_MAJOR) return [command];
  }
  return ['npx', '--yes', `pnpm@${PNPM_MAJOR}`];
}
