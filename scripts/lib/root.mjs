/** Where things are. */
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A path within the repository. */
export function at(...parts) {
  return join(root, ...parts);
}

/** A path within the repository as it is written here, whatever separates its parts on this system. */
export function fileOf(path) {
  return relative(root, path).split(sep).join('/');
}

/** A program that an installed package brought along. */
export function bin(name) {
  return at('node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name);
}
