/** Installs what is missing and builds both parts; QWORMHOLE_NATIVE says whether the native one is wanted. */
import { build } from './lib/build.mjs';
import { setUp } from './lib/install.mjs';
import { main } from './lib/run.mjs';

await main(async () => {
  await setUp();
  await build();
});
