#!/usr/bin/env node
/** The program: finds the command, runs it, and turns what becomes of it into an exit code. */
import { Arguments, quote } from './arguments.js';
import { bench } from './bench.js';
import { cert } from './cert.js';
import { completion } from './completion.js';
import { commandHelp, programHelp, type Command } from './command.js';
import { connect } from './connect.js';
import { Context } from './context.js';
import { doctor } from './doctor.js';
import { EXIT_FAILED, EXIT_USAGE, reportFailure } from './failure.js';
import { listen } from './listen.js';
import { nearest } from '../nearest.js';
import { packageVersion } from './package-version.js';
import { top } from './top.js';
import { UsageError } from './usage-error.js';

const COMMANDS: readonly Command[] = [listen, connect, top, doctor, bench, cert, completion(() => COMMANDS)];

/** How long a reader of the output has after a stop, ms. */
const LAST_OUTPUT_MS = 1_000;

async function run(words: readonly string[], context: Context): Promise<number> {
  const command = COMMANDS.find(({ name }) => name === words[0]);
  try {
    if (command === undefined) return runProgram(words, context);
    if (asksForHelp(words.slice(1))) return print(commandHelp(command, context.paint), context);
    return await command.run(new Arguments(command.options, words.slice(1)), context);
  } catch (error) {
    return reportFailure(error, command?.name, context);
  }
}

/** Without a command: options of the program itself, or a mistake. */
function runProgram(words: readonly string[], context: Context): number {
  const [first] = words;
  if (first === undefined) {
    process.stderr.write(`${programHelp(COMMANDS, context.paintNotes)}\n`);
    return EXIT_USAGE;
  }
  if (asksForHelp([first]) || first === 'help') return print(programHelp(COMMANDS, context.paint), context);
  if (first === '--version') return print(packageVersion(), context);
  const kind = first.startsWith('-') ? 'option' : 'command';
  const meant =
    kind === 'command'
      ? nearest(
          first,
          COMMANDS.map(({ name }) => name),
        )
      : undefined;
  const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
  throw new UsageError(`unknown ${kind} ${quote(first)}${hint}`);
}

/** Also beside options that are wrong: then help is what is needed most. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return (end === -1 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h');
}

function print(text: string, context: Context): number {
  context.out.line(text);
  return 0;
}

/** Warnings as lines of their own, without the advice for programmers that Node adds. */
function showWarnings(context: Context): void {
  // None where Node was told not to warn.
  if (process.listenerCount('warning') === 0) return;
  process.removeAllListeners('warning');
  process.on('warning', ({ message }) => context.note(`warning: ${message}`));
}

const context = new Context();
showWarnings(context);
const code = await run(process.argv.slice(2), context);
if (context.outputError !== undefined)
  context.note(`qwormhole: cannot write: ${context.outputError.message}`);
// Not exit(): what is still to be written is written, unless we are told to stop and nobody reads it.
process.exitCode = context.outputError === undefined ? code : EXIT_FAILED;
if (context.stop.aborted) setTimeout(() => process.exit(), LAST_OUTPUT_MS).unref();
