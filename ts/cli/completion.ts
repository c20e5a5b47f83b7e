/** `qwormhole completion`: what a shell needs to complete commands and options, from the tables that help is made of. */
import type { Command } from './command.js';
import { quote } from './arguments.js';
import { UsageError } from './usage-error.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** Words of an option's value, as `<a|b|c>` lists them. */
const valuesOf = (value: string | undefined): readonly string[] =>
  value?.includes('|') ? value.split('|') : [];

export function completion(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'print a script that completes commands and options in a shell',
    usage: `<${SHELLS.join('|')}>`,
    description: 'Prints a script for a shell, which completes commands, options and their values with it.',
    options: {},
    examples: [
      ['qwormhole completion bash >> ~/.bashrc', 'for bash, from the next shell on'],
      ['qwormhole completion zsh > "${fpath[1]}/_qwormhole"', 'for zsh'],
      ['qwormhole completion fish > ~/.config/fish/completions/qwormhole.fish', 'for fish'],
    ],

    async run({ positionals: [shell, ...rest] }, { out }) {
      if (!SHELLS.includes(shell as Shell) || rest.length > 0)
        throw new UsageError(`a shell is needed, ${SHELLS.join(', ')}; not ${quote(shell ?? '')}`);
      out.line(SCRIPTS[shell as Shell](commands()));
      return 0;
    },
  };
}

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = {
  bash: (commands) => bash(commands),
  // It has the completion of bash too, which knows all that there is to know here.
  zsh: (commands) =>
    `#compdef qwormhole\nautoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`,
  fish: (commands) => fish(commands),
};

/** Options of a command with their dashes. */
function optionsOf({ options }: Command): readonly string[] {
  return [...Object.keys(options), 'help'].map((name) => `--${name}`);
}

function bash(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const options = commands.map((each) => `    ${each.name}) words="${optionsOf(each).join(' ')}" ;;`);
  const values = new Map(
    commands.flatMap((each) =>
      Object.entries(each.options).map(([name, { value }]) => [name, valuesOf(value)] as const),
    ),
  );
  const cases = [...values]
    .filter(([, words]) => words.length > 0)
    .map(([name, words]) => `    --${name}) words="${words.join(' ')}" ;;`);
  return `_qwormhole() {
  local words="${names} --help --version" word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -gt 1 ]; then case "\${COMP_WORDS[1]}" in
${options.join('\n')}
    *) words="" ;;
  esac; fi
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _qwormhole qwormhole`;
}

function fish(commands: readonly Command[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap(({ name, summary, options }) => [
    `complete -c qwormhole -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
    ...Object.entries(options).map(([option, { value, short, help }]) => {
      const words = valuesOf(value);
      const takes = value === undefined ? '' : ' -r';
      const list = words.length > 0 ? ` -f -a ${quoted(words.join(' '))}` : '';
      const letter = short === undefined ? '' : ` -s ${short}`;
      return `complete -c qwormhole -n '__fish_seen_subcommand_from ${name}' -l ${option}${letter}${takes}${list} -d ${quoted(help)}`;
    }),
  ]);
  return lines.join('\n');
}
