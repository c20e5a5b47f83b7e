/** Installs, builds, and runs the bench; arguments go to it. */
import { build } from './lib/build.mjs';
import { main, openly } from './lib/run.mjs';
import { setUp } from './lib/install.mjs';

await main(async () => {
  await setUp();
  await build();
  openly('Benchmarking', process.execPath, ['bench/qwormhole.mjs', ...process.argv.slice(2)]);
});
