/** Python programs of the project's test tiers: virtual environments in the cache, made once. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { at } from './root.mjs';
import { outputOf, quietly, StepError } from './run.mjs';

/** The oldest Python that everything here runs on. */
const MIN_MINOR = 10;

/** Where a tier keeps what it installs; git ignores it. */
export function cache(...parts) {
  return at('.cache', ...parts);
}

/**
 * A virtual environment with the packages of a requirements file, which is made anew when that file or one of
 * the `others` it depends on has changed; `prepare` does what there is to do besides.
 * @returns {Promise<string>} its interpreter
 */
export async function virtualEnvironment(name, requirements, others = [], prepare = async () => {}) {
  const home = cache(name, 'venv');
  const python = join(home, 'bin', 'python');
  const stamp = join(home, 'made-of');
  const made = digest([requirements, ...others]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === made) return python;
  rmSync(home, { recursive: true, force: true });
  await quietly(`Python environment for ${name}`, interpreter(), ['-m', 'venv', home]);
  await quietly(`Python packages for ${name}`, python, ['-m', 'pip', ...PIP, 'install', '-r', requirements]);
  await prepare(python);
  writeFileSync(stamp, made);
  return python;
}

/** Options of pip for programs that call it. */
export const PIP = ['--disable-pip-version-check', '--no-input', '--quiet'];

function interpreter() {
  const python = process.env.PYTHON ?? 'python3';
  const version = outputOf(python, ['-c', 'import sys, venv, ensurepip; print(sys.version_info.minor)']);
  if (version === undefined)
    throw new StepError(`${python} with the module venv is needed (Debian: apt-get install python3-venv).`);
  if (Number(version) < MIN_MINOR)
    throw new StepError(`Python 3.${MIN_MINOR} or newer is needed; PYTHON names one.`);
  return python;
}

function digest(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}
