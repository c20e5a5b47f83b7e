/** A process lives as long as something is open and referenced, and no longer. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { cleanUp } from '../support/scene.js';
import { next, sleep } from '../support/wait.js';

const script = fileURLToPath(new URL('../support/lifetime.mjs', import.meta.url));

/** How it ends within this time, if it does. */
async function run(name: string, patienceMs: number): Promise<number | null | 'alive'> {
  const child = spawn(process.execPath, [script, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUp(() => child.kill('SIGKILL'));
  const ended = next(child, 'exit').then(([code]) => code as number | null);
  await next(child.stdout, 'data');
  return Promise.race([ended, sleep(patienceMs).then(() => 'alive' as const)]);
}

it.each([
  'closed server and client',
  'unreferenced server',
  'unreferenced client',
  'unreferenced client that reconnects',
])('ends: %s', async (name) => {
  expect(await run(name, 10_000)).toBe(0);
});

it.each(['listening server', 'open client', 'client that reconnects'])('stays: %s', async (name) => {
  expect(await run(name, 1000)).toBe('alive');
});
