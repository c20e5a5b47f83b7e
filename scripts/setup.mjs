/** Installs the JavaScript dependencies where they are missing or not those of the lockfile. */
import { setUp } from './lib/install.mjs';
import { main } from './lib/run.mjs';

await main(async () => {
  await setUp();
  console.log('Dependencies are installed.');
});
