/** The runtimes that the package is tried on, as packages bring them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const FILES = {
  'Node 20': ['node20/bin/node'],
  'Node 22': ['node22/bin/node'],
  'Node 24': ['node24/bin/node'],
  'Node 26': ['node26/bin/node'],
  Bun: ['@oven/bun-linux-x64/bin/bun', 'run'],
  Deno: ['@deno/linux-x64-glibc/deno', 'run', '--allow-all', '--no-lock'],
};

/** Each with its version, and how it runs a program; or without, and why. */
export function runtimes(modules) {
  return Object.entries(FILES).map(([name, [path, ...args]]) => {
    const file = join(modules, path);
    const { status, stdout, error } = spawnSync(file, ['--version'], { encoding: 'utf8' });
    if (status !== 0) return { name, reason: error?.code ?? `exit code ${status}` };
    const [version] = /\d+\.\d+\.\d+/.exec(stdout) ?? ['?'];
    return { name, version, file, args, mustBeNative: name.startsWith('Node') };
  });
}
