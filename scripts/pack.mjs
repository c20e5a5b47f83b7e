/**
 * Packs what users install into .cache/package: the main package, and that of each platform whose addon is in native/.
 * With --all an addon that is missing is an error: nothing is published without it.
 */
import { at } from './lib/root.mjs';
import { layOut, pack } from './lib/package.mjs';
import { main, StepError } from './lib/run.mjs';

export const PACKAGES = at('.cache', 'package');

/** Packs; gives the tarballs, the main one last: it is published when all that it depends on is there. */
export function packAll({ all = false } = {}) {
  const { main: directory, each } = layOut(PACKAGES);
  const missing = each.filter(({ isBuilt }) => !isBuilt).map(({ platform }) => platform.name);
  if (all && missing.length > 0)
    throw new StepError(`There is no addon for ${missing.join(', ')} in native/.`);
  const built = each.filter(({ isBuilt }) => isBuilt).map(({ place }) => pack(place, PACKAGES));
  return { tarballs: [...built, pack(directory, PACKAGES)], missing };
}

if (process.argv[1] === at('scripts', 'pack.mjs')) {
  await main(async () => {
    const { tarballs, missing } = packAll({ all: process.argv.includes('--all') });
    for (const tarball of tarballs) console.log(tarball);
    if (missing.length > 0)
      console.error(`Without the addons of ${missing.join(', ')}: they are built elsewhere.`);
  });
}
