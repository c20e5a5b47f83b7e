import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { run } from './cli.js';

const COMMANDS = ['listen', 'connect', 'top', 'doctor', 'bench', 'cert'];

test('--help lists every command, and each command has help with its options and examples', async () => {
  const all = await run(['--help']);
  expect(all).toMatchObject({ code: 0, stderr: '' });
  for (const command of COMMANDS) {
    expect(all.stdout).toMatch(new RegExp(`^  ${command} +\\S`, 'm'));
    const { code, stdout, stderr } = await run([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: qwormhole ${command}`);
    expect(stdout).toContain('--json');
    expect(stdout).toMatch(/Examples:\n(.*\n)*.*qwormhole /);
  }
});

test('docs/cli.md has every command and every exit code', async () => {
  const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const { stdout } = await run(['--help']);
  const [, commands, codes] = /Commands:\n([^]*?)\n\n[^]*Exit codes:\n([^]*?)\n\n/.exec(stdout)!;
  const [names, numbers] = [commands, codes].map((part) =>
    part.split('\n').map((line) => line.trim().split('  ')[0]),
  );
  expect(names.length).toBeGreaterThan(6);
  for (const name of names) expect(page).toMatch(new RegExp(`^\\| \`${name}\\b`, 'm'));
  for (const number of numbers) expect(page).toMatch(new RegExp(`^\\| ${number} `, 'm'));
});

test('help wins over what is wrong beside it', async () => {
  const { code, stdout } = await run(['listen', '--nonsense', '--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('Usage: qwormhole listen');
});

test('--version prints the version of the package', async () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(await run(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
});

test('without a command the help goes to standard error, with exit code 2', async () => {
  const { code, stdout, stderr } = await run([]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain('Usage: qwormhole <command>');
});

test('the program can be executed', () => {
  const [first] = readFileSync(new URL('../../dist/cli/main.js', import.meta.url), 'utf8').split('\n', 1);
  expect(first).toBe('#!/usr/bin/env node');
});
