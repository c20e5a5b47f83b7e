/** What a command is, and the help that its table gives. */
import type { Arguments, OptionSpec, OptionSpecs } from './arguments.js';
import type { Context } from './context.js';

/** One command of the program. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the name, such as `<endpoint> [options]`. */
  readonly usage: string;
  /** A few sentences on what it does. */
  readonly description: string;
  readonly options: OptionSpecs;
  /** Command lines and what they are good for. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** Does it, and resolves with the exit code. */
  run(given: Arguments, context: Context): Promise<number>;
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const options = Object.entries<OptionSpec>({ ...command.options, help: { help: 'print this help' } });
  return [
    `Usage: qwormhole ${command.name} ${command.usage}`,
    command.description,
    `Options:\n${columns(options.map(([name, option]) => [flag(name, option), option.help]))}`,
    `Examples:\n${command.examples.map(([line, meaning]) => `  # ${meaning}\n  ${line}`).join('\n')}`,
  ].join('\n\n');
}

/** The help of the program. */
export function programHelp(commands: readonly Command[]): string {
  return [
    'Usage: qwormhole <command> [options]',
    'Messages between processes: a server, a client, a diagnosis and a measurement.',
    `Commands:\n${columns(commands.map(({ name, summary }) => [name, summary]))}`,
    `Options:\n${columns([
      ['--help', 'print this help; qwormhole <command> --help that of a command'],
      ['--version', 'print the version'],
    ])}`,
    `Environment:\n${columns([
      ['QWORMHOLE_NATIVE', 'auto, 1 (native or an error), 0 (TypeScript only)'],
      ['QWORMHOLE_DEBUG_NATIVE', '1 prints what the search for the addon tries'],
      ['QWORMHOLE_TLS_CERT_PATH, …', 'TLS without options, see docs/tls.md'],
      ['QWORMHOLE_DEBUG', '1 prints the stack of errors'],
    ])}`,
    `Examples:\n${commands.map(({ examples }) => `  ${examples[0][0]}`).join('\n')}`,
  ].join('\n\n');
}

function flag(name: string, { value, short }: OptionSpec): string {
  const long = value === undefined ? `--${name}` : `--${name} <${value}>`;
  return short === undefined ? long : `-${short}, ${long}`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
