/** How errors are told: one line for what went wrong, and the exit code that goes with it. */
import { QWormholeError } from '../errors/error.js';
import type { Context } from './context.js';
import { UsageError } from './usage-error.js';

/** It was tried and did not work. */
export const EXIT_FAILED = 1;
/** It was not tried: the command line makes no sense. */
export const EXIT_USAGE = 2;

/** Tells of an error that ended a command; returns the exit code. */
export function reportFailure(error: unknown, command: string | undefined, context: Context): number {
  if (error instanceof UsageError) {
    const program = command === undefined ? 'qwormhole' : `qwormhole ${command}`;
    context.complain(`${program}: ${error.message}`);
    context.note(`See ${program} --help.`);
    return EXIT_USAGE;
  }
  context.complain(describeError(error));
  if (process.env.QWORMHOLE_DEBUG === '1') printStack(error);
  else if (!(error instanceof QWormholeError)) context.note('QWORMHOLE_DEBUG=1 shows the stack.');
  return EXIT_FAILED;
}

/** `code: message`, for ours and for the system's. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `qwormhole: ${String(error)}`;
  const code = (error as NodeJS.ErrnoException).code;
  if (error instanceof QWormholeError || code === undefined) return `${code ?? error.name}: ${error.message}`;
  // The system's messages begin with the code themselves.
  return error.message.startsWith(code) ? error.message : `${code}: ${error.message}`;
}

function printStack(error: unknown): void {
  console.error(error);
}
