/** Where this package's own files are. */
import { existsSync } from 'node:fs';
import module from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Bundlers that write CommonJS leave no URL of the module: then the program's own file stands for it. */
const MODULE = fileURLToPath(import.meta.url ?? pathToFileURL(resolve(process.argv[1] ?? 'index.js')));

/**
 * Resolves from where this code is: in a bundle, from beside that. By way of the module's object, since webpack takes
 * the bare function for its own.
 */
export const requireHere = module.createRequire(MODULE);

/**
 * The generated loader of the addon: beside this file in the package; of a bundle, in the package that is installed
 * where the bundle is. Not written as a URL of this module, which bundlers would take for a file to copy.
 */
export function generatedLoader(): string {
  const own = resolve(dirname(MODULE), '../native/binding.cjs');
  if (existsSync(own)) return own;
  try {
    return join(dirname(requireHere.resolve('qwormhole/package.json')), 'native/binding.cjs');
  } catch {
    return own;
  }
}
