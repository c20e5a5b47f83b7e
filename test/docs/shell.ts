/** Commands of the documentation, as far as they are ours: programs, options, scripts and files that must exist. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './snippets.js';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const projects = readFileSync(join(root, 'vitest.config.ts'), 'utf8');
const helps = new Map<string, string>();

/** The commands of a script, each as its words; comments, variables before them and redirections left out. */
export function commandsOf(script: string): string[][] {
  return script
    .replaceAll(/\\\n\s*/g, ' ')
    .split(/\n|&&|\|\||[|;]/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .map((line) =>
      [...line.matchAll(/'[^']*'|"[^"]*"|\S+/g)].map(([word]) => word.replaceAll(/^['"]|['"]$/g, '')),
    )
    .map((words) => words.slice(words.findIndex((word) => !/^\w+=/.test(word) && word !== 'sudo')))
    .filter((words) => words.length > 0);
}

/** What is wrong with a command, if it is one of ours. */
export function faultOf([program, ...words]: readonly string[]): string | undefined {
  if (program === 'npx' || program === 'pnpm') return faultOf(words);
  if (program === 'qwormhole') return faultOfCli(words);
  if (program === 'npm') return faultOfNpm(words);
  if (program === 'vitest') return faultOfVitest(words);
  if (program === 'node') return faultOfNode(words);
  if (program === 'cargo') return faultOfCargo(words);
  return undefined;
}

function faultOfCli([command, ...words]: readonly string[]): string | undefined {
  if (command.startsWith('--')) return undefined;
  let help = helps.get(command);
  if (help === undefined) {
    const { stdout, status } = spawnSync(
      process.execPath,
      [join(root, 'dist/cli/main.js'), command, '--help'],
      {
        encoding: 'utf8',
      },
    );
    if (status !== 0) return `there is no command ${command}`;
    helps.set(command, (help = stdout));
  }
  const unknown = words
    .filter((word) => /^--?[a-z]/.test(word))
    .map((word) => word.split('=')[0])
    .find((option) => !new RegExp(`(^|[\\s,])${option}\\b`, 'm').test(help));
  return unknown === undefined ? undefined : `${command} has no option ${unknown}`;
}

function faultOfNpm([command, name]: readonly string[]): string | undefined {
  if (command === 'start' || command === 'test') return undefined;
  if (command !== 'run' || scripts[name] !== undefined) return undefined;
  return `there is no script ${name}`;
}

function faultOfVitest(words: readonly string[]): string | undefined {
  const name = words[words.indexOf('--project') + 1];
  return projects.includes(`project('${name}'`) ? undefined : `there is no project ${name}`;
}

function faultOfNode(words: readonly string[]): string | undefined {
  const file = words.find((word) => /\.(m?js)$/.test(word));
  const isOurs = file !== undefined && /^(bench|scripts|examples|fuzz)\//.test(file);
  return isOurs && !existsSync(join(root, file)) ? `there is no file ${file}` : undefined;
}

function faultOfCargo(words: readonly string[]): string | undefined {
  const at = words.indexOf('--example');
  if (at === -1 || existsSync(join(root, 'examples', `${words[at + 1]}.rs`))) return undefined;
  return `there is no example ${words[at + 1]}`;
}
