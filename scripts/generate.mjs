/**
 * Writes the files that have one source elsewhere.
 * `node scripts/generate.mjs` writes, `--check` only says which are stale and then exits with 1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorFiles } from './lib/generate-errors.mjs';
import { optionFiles } from './lib/generate-options.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const check = process.argv.includes('--check');

const source = (name) => JSON.parse(readFileSync(join(root, name), 'utf8'));
const files = [...errorFiles(source('errors.json')), ...optionFiles(source('options.json'))];
const stale = files.filter(([path, text]) => read(path) !== text);

for (const [path, text] of check ? [] : stale) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
for (const [path] of stale) console.log(check ? `stale: ${path}` : `wrote ${path}`);
if (stale.length === 0) console.log('generated files are up to date');
if (check && stale.length > 0) {
  console.error('run: node scripts/generate.mjs');
  process.exitCode = 1;
}

function read(path) {
  try {
    // A checkout on Windows may have other line ends.
    return readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n');
  } catch {
    return undefined;
  }
}
