/** The main job of a fresh clone: installs, builds, and exchanges messages over every pairing of backends. */
import { build } from './lib/build.mjs';
import { main, openly } from './lib/run.mjs';
import { setUp } from './lib/install.mjs';

await main(async () => {
  await setUp();
  await build();
  openly('Exchanging messages over every pairing', process.execPath, [
    'bench/pairings.mjs',
    ...process.argv.slice(2),
  ]);
});
