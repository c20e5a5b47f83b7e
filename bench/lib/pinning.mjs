/** Which processor the server runs on and which the load, or why neither is pinned. */
import { spawnSync } from 'node:child_process';

const SERVER = 0;
const LOAD = 1;

/**
 * Server and load on a core each, or together where the load `shares`, if this machine can do that. Figures of pinned and of free runs
 * must never be compared: free, the scheduler puts both sides on one core and batches grow.
 * @returns {{ server?: number, load?: number, reason?: string }}
 */
export function choosePinning({ shares = false } = {}) {
  for (const core of [SERVER, LOAD]) {
    const tried = spawnSync('taskset', ['-c', String(core), 'true'], { stdio: 'ignore' });
    if (tried.error !== undefined) return { reason: 'taskset is not installed' };
    if (tried.status !== 0) return { reason: `core ${core} is not available` };
  }
  return { server: SERVER, load: shares ? SERVER : LOAD };
}
