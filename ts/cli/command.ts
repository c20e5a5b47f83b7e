/** What a command is, and the help that its table gives. */
import type { Arguments, OptionSpec, OptionSpecs } from './arguments.js';
import type { Context } from './context.js';
import type { Paint } from './style.js';

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
export function commandHelp(command: Command, paint: Paint): string {
  const options = Object.entries<OptionSpec>({ ...command.options, help: { help: 'print this help' } });
  return [
    `${paint('title', 'Usage:')} qwormhole ${command.name} ${command.usage}`,
    command.description,
    section(
      'Options',
      options.map(([name, option]) => [flag(name, option), option.help]),
      paint,
    ),
    `${paint('title', 'Examples:')}\n${command.examples.map((example) => shown(example, paint)).join('\n')}`,
  ].join('\n\n');
}

/** The help of the program. */
export function programHelp(commands: readonly Command[], paint: Paint): string {
  return [
    `${paint('title', 'Usage:')} qwormhole <command> [options]`,
    'Messages between processes: a server, a client, a diagnosis and a measurement.',
    section(
      'Commands',
      commands.map(({ name, summary }) => [name, summary]),
      paint,
    ),
    section('Options', OPTIONS, paint),
    section('Environment', ENVIRONMENT, paint),
    section('Exit codes', EXIT_CODES, paint),
    `${paint('title', 'Examples:')}\n${commands.map(({ examples }) => `  ${examples[0][0]}`).join('\n')}`,
  ].join('\n\n');
}

type Rows = readonly (readonly [string, string])[];

const OPTIONS: Rows = [
  ['--help', 'print this help; qwormhole <command> --help that of a command'],
  ['--version', 'print the version'],
];

const ENVIRONMENT: Rows = [
  ['QWORMHOLE_NATIVE', 'auto, 1 (native or an error), 0 (TypeScript only)'],
  ['QWORMHOLE_IO', 'auto, threads or inline: where the native backend serves sockets'],
  ['QWORMHOLE_DEBUG_NATIVE', '1 prints what the search for the addon tries'],
  ['QWORMHOLE_TLS_CERT_PATH, …', 'TLS without options, see docs/tls.md'],
  ['QWORMHOLE_DEBUG', '1 prints the stack of errors'],
  ['NO_COLOR, FORCE_COLOR', 'never colours, or also where there is no terminal'],
];

const EXIT_CODES: Rows = [
  ['0', 'it worked; a server was told to end, and did'],
  ['1', 'it was tried and did not work'],
  ['2', 'the command line makes no sense: nothing was tried'],
  ['130, 143', 'a second SIGINT or SIGTERM ended it at once'],
];

function shown([line, meaning]: readonly [string, string], paint: Paint): string {
  return `  ${paint('faint', `# ${meaning}`)}\n  ${line}`;
}

function flag(name: string, { value, short }: OptionSpec): string {
  const long = value === undefined ? `--${name}` : `--${name} <${value}>`;
  return short === undefined ? long : `-${short}, ${long}`;
}

function section(title: string, rows: Rows, paint: Paint): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(
    ([left, right]) => `  ${paint('name', left)}${' '.repeat(width - left.length)}  ${right}`,
  );
  return [paint('title', `${title}:`), ...lines].join('\n');
}
