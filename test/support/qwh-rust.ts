/** The Rust side of QWH/1 as a child process that answers requests; see `fuzz/qwh`. */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Request } from './qwh-verdict.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Whether there is a Rust compiler to build it with. */
export const hasCargo = spawnSync('cargo', ['--version'], { cwd: root, stdio: 'ignore' }).status === 0;

export interface RustSide {
  /** The answers to some requests, in order. */
  ask(requests: readonly Request[]): Promise<unknown[]>;
  close(): void;
}

/** Builds it first, which can take a minute. */
export function startRustSide(): RustSide {
  const child = spawn('cargo', ['run', '--quiet', '--package', 'qwormhole-qwh-verdicts'], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async ask(requests) {
      child.stdin.write(requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
      const answers: unknown[] = [];
      while (answers.length < requests.length) {
        // eslint-disable-next-line no-await-in-loop -- The lines come one after the other.
        const line = await lines.next();
        if (line.done) throw new Error('the Rust side ended; its panic is above');
        answers.push(JSON.parse(line.value));
      }
      return answers;
    },
    close() {
      child.stdin.end();
    },
  };
}
