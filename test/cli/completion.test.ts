import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { run } from './cli.js';

const hasBash = spawnSync('bash', ['--version']).status === 0;

/** What bash offers for the last of these words. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout } = await run(['completion', 'bash']);
  const line = ['qwormhole', ...words].map((word) => `'${word}'`).join(' ');
  const program = `${stdout}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length}; _qwormhole; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout: said, stderr } = spawnSync('bash', ['-c', program], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return said.trim().split('\n');
}

test.skipIf(!hasBash)('bash completes commands, options of a command, and their values', async () => {
  expect(await offered('co')).toEqual(['connect', 'completion']);
  expect(await offered('bench', '--b')).toEqual(['--backend']);
  expect(await offered('bench', '--backend', 'n')).toEqual(['native']);
  expect(await offered('listen', '--pr')).toEqual(['--protocol']);
});

test.each(['zsh', 'fish'])('%s gets every command', async (shell) => {
  const { code, stdout } = await run(['completion', shell]);
  expect(code).toBe(0);
  for (const command of ['listen', 'connect', 'top', 'doctor', 'bench', 'cert'])
    expect(stdout).toContain(command);
});

test('another shell is none', async () => {
  const { code, stderr } = await run(['completion', 'tcsh']);
  expect(code).toBe(2);
  expect(stderr).toContain('bash, zsh, fish');
});
