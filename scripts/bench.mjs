/** Installs, builds, and runs the bench matrix; arguments go to it. */
import { build } from './lib/build.mjs';
import { main, openly } from './lib/run.mjs';
import { setUp } from './lib/install.mjs';

await main(async () => {
  await setUp();
  await build();
  openly('Benchmarking', process.execPath, ['bench/matrix.mjs', ...process.argv.slice(2)]);
});
