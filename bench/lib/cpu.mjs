/** Processor time and memory of a process, from Linux's /proc; undefined where that cannot be had. */
import { readdirSync, readFileSync } from 'node:fs';

/** Microseconds that the first thread of a process has spent: in Node, the one that runs JavaScript. */
export function mainThreadUs(pid) {
  return threadUs(pid, pid);
}

/** What `usage` in `child.mjs` says, seen from outside. */
export function usageOf(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map((id) => threadUs(pid, id) ?? 0);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kibibytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return {
      cpuUs: threads.reduce((sum, us) => sum + us, 0),
      mainUs: mainThreadUs(pid),
      rss: kibibytes('VmRSS') * 1024,
      peakRss: kibibytes('VmHWM') * 1024,
    };
  } catch {
    return {};
  }
}

function threadUs(pid, id) {
  try {
    // The scheduler's own count, nanoseconds: the ticks of `stat` are 10 ms each.
    return Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e3;
  } catch {
    return undefined;
  }
}
