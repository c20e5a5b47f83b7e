/** Things that are said once per process, as far as threads know of each other. */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/**
 * True for the first that asks about `what` in this thread and in those it was started from. Threads that were
 * started before somebody asked do not hear of it, and say it themselves.
 */
export function isFirstInProcess(what: string): boolean {
  const key = `qwormhole: ${what}`;
  if (getEnvironmentData(key) !== undefined) return false;
  setEnvironmentData(key, true);
  return true;
}
