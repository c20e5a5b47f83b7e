/** Other runtimes as packages bring them: the binary, its version, or why there is none. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/**
 * The package that holds a runtime's binary, by `platform-arch`, and where in it. They are optional: each installs
 * where it can run and nowhere else.
 */
const PACKAGES = {
  bun: { 'linux-x64': ['@oven/bun-linux-x64', 'bin/bun'] },
};

/**
 * @param {keyof typeof PACKAGES} name
 * @returns {{ file: string, version: string } | { reason: string }}
 */
export function runtime(name) {
  const platform = `${process.platform}-${process.arch}`;
  const [packageName, path] = PACKAGES[name][platform] ?? [];
  if (packageName === undefined) return { reason: `bench/package.json has no ${name} for ${platform}` };
  try {
    const manifest = require.resolve(`${packageName}/package.json`);
    const file = join(dirname(manifest), path);
    if (!existsSync(file)) return { reason: `${packageName} came without its binary` };
    const { error, status } = spawnSync(file, ['--version'], { stdio: 'ignore' });
    if (error !== undefined || status !== 0) return { reason: `${packageName} does not run here` };
    return { file, version: require(manifest).version };
  } catch {
    return { reason: `${packageName} is not installed` };
  }
}
