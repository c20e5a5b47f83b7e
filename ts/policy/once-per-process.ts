/** Things that are said once per process, whichever of its threads says them first. */
import { closeSync, openSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/** How much the clocks of process and file system may disagree, ms. */
const CLOCK_SLACK_MS = 2000;

const said = new Set<string>();

/**
 * True for the first thread of this process that asks about `what`. Threads share no JavaScript, so a
 * file in the temporary directory decides; where none can be made, each thread is its own process.
 */
export function isFirstInProcess(what: string): boolean {
  if (said.has(what)) return false;
  said.add(what);
  const path = join(tmpdir(), `qwormhole-${process.pid}-${what}`);
  return claim(path) || (isLeftOver(path) && remove(path) && claim(path));
}

function claim(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EEXIST';
  }
  if (isMainThread) process.once('exit', () => remove(path));
  return true;
}

/** Of an earlier process with the same number. */
function isLeftOver(path: string): boolean {
  try {
    const startedAt = Date.now() - process.uptime() * 1000;
    return statSync(path).mtimeMs < startedAt - CLOCK_SLACK_MS;
  } catch {
    return true;
  }
}

function remove(path: string): boolean {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else did.
  }
  return true;
}
