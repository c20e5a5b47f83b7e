/** A load in a process of its own, as its parent sees it. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('subject.mjs', import.meta.url));
/** How often it is said that one is still at it, ms. */
const SIGN_OF_LIFE_MS = 60_000;

/** Runs a load to its end; what went wrong is in `failure`. */
export function runSubject(settings) {
  const { load, backend } = settings;
  const env = {
    ...process.env,
    QWORMHOLE_NATIVE: backend === 'ts' ? 'force-ts' : 'force',
    // With an arena for every thread that ever was, an allocator grows for an hour before it is flat.
    MALLOC_ARENA_MAX: '2',
  };
  const child = fork(PROGRAM, [JSON.stringify(settings)], {
    execArgv: ['--expose-gc', '--no-warnings'],
    env,
  });
  const began = performance.now();
  const outcome = { load, backend, samples: [], done: '', failure: undefined };
  const seconds = () => (performance.now() - began) / 1000;
  const timer = setInterval(() => {
    const rss = Math.round((outcome.samples.at(-1)?.rss ?? 0) / 2 ** 20);
    console.log(`${load}, ${backend}: ${outcome.done} after ${Math.round(seconds())} s, ${rss} MiB`);
  }, SIGN_OF_LIFE_MS);
  child.on('message', ({ sample, done }) => {
    outcome.samples.push({ at: seconds(), ...sample });
    outcome.done = done;
  });
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => {
      clearInterval(timer);
      if (code !== 0) outcome.failure = signal === null ? `exit code ${code}` : `ended by ${signal}`;
      resolve({ ...outcome, seconds: seconds() });
    });
  });
}
