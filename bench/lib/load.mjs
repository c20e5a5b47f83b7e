/** Runs the load generator and reads the one line of JSON it prints. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Puts one scenario's load on a running server. Throws what the generator says when a reply is wrong. */
export async function measureLoad(loadgen, server, { preset, seconds, warmup, core, collects = false }) {
  const args = ['--json', '--addr', `127.0.0.1:${server.port}`, '--scenario', preset];
  args.push('--seconds', String(seconds), '--warmup', String(warmup));
  // Processor times come from /proc; elsewhere the rest is still worth having.
  if (process.platform === 'linux') args.push('--pid', String(server.pid));
  if (collects) args.push('--collect');
  if (core !== undefined) args.push('--pin', String(core));
  try {
    const { stdout } = await run(loadgen, args);
    return JSON.parse(stdout);
  } catch (error) {
    throw new Error(error.stderr?.trim() || error.message, { cause: error });
  }
}
