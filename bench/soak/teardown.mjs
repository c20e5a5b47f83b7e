/** Worker threads that end with servers, clients and messages under way, and processes that do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const PROGRAM = fileURLToPath(new URL('busy.mjs', import.meta.url));
const WORKERS = 4;
/** One process for so many rounds of workers: it costs as much time as all of them. */
const ROUNDS_A_PROCESS = 5;

export async function run({ backend, rounds }, sample) {
  const count = Math.max(8, Math.ceil(Number(rounds) / 5));
  let processes = 0;
  for (let round = 1; round <= count; round += 1) {
    await Promise.all(Array.from({ length: WORKERS }, () => worker(backend, round % 2 === 0)));
    if (round % ROUNDS_A_PROCESS === 0) {
      await endOf(backend);
      processes += 1;
    }
    await sample(`${round * WORKERS} threads, ${processes} processes`);
  }
}

/** Ends by itself, or is ended. */
async function worker(backend, isEnded) {
  const thread = new Worker(PROGRAM, { workerData: { backend, exits: !isEnded } });
  await once(thread, 'message');
  if (isEnded) await thread.terminate();
  else await once(thread, 'exit');
}

/** A process that exits in the midst of things does so at once and in order. */
async function endOf(backend) {
  const child = spawn(process.execPath, ['--no-warnings', PROGRAM, backend], { stdio: 'ignore' });
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) throw new Error(`a process ended with ${signal ?? code}`);
}
