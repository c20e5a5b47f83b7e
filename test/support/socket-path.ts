/** Paths of Unix sockets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let directory: string | undefined;
let count = 0;

/** A path that nothing is at, in a directory of this process's own. */
export function socketPath(): string {
  if (directory === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'qw-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    directory = made;
  }
  count += 1;
  return join(directory, `${count}.sock`);
}
