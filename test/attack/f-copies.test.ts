/** Block F: the package more than once in a process. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, type TestContext } from 'vitest';
import { next } from '../support/wait.js';
import { alone, BACKENDS } from './lib/run.js';
import { environmentOf, type Backend } from './lib/target.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONTEXTS = ['--expose-gc', '--experimental-vm-modules', '--no-warnings'];

const copies: string[] = [];
afterEach(() => {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true });
});

/** Another copy of the package, of another version, with an addon of its own. */
function copied(): string {
  const copy = mkdtempSync(join(tmpdir(), 'qwormhole-copy-'));
  copies.push(copy);
  for (const part of ['dist', 'native']) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  writeFileSync(join(copy, 'package.json'), JSON.stringify({ ...manifest, version: '99.0.0' }));
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'junction');
  return copy;
}

/** What a program says that ends by itself, and in order. */
async function said(backend: Backend, name: string, nodeOptions: string[], args: string[]): Promise<unknown> {
  const program = fileURLToPath(new URL(`lib/${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [...nodeOptions, program, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', ...environmentOf(backend) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
  const [code, signal] = await next(child, 'close');
  if (code !== 0) throw new Error(`It ended with ${signal ?? code}: ${output}`);
  return JSON.parse(output);
}

const modeOf = (backend: Backend): string => (backend === 'ts' ? 'ts' : 'native');

function row(id: string, what: string, run: (backend: Backend) => Promise<void>): void {
  it.for(BACKENDS)(`${id} ${what}: %s`, { timeout: 60_000 }, async (backend, test: TestContext) => {
    Object.assign(alone(test, id, what, backend), { role: 'both' });
    await run(backend);
  });
}

row('F3', 'two copies of two versions in a process', async (backend) => {
  const mode = modeOf(backend);
  const each = { modes: [mode, mode], there: true, isKnown: true };
  const seen = await said(backend, 'two-copies', [], [ROOT, copied()]);
  expect(seen).toEqual({ isOne: false, seen: [each, each] });
});

row('F11', 'evaluated anew in contexts of node:vm', async (backend) => {
  const each = { mode: modeOf(backend), text: 'hi' };
  expect(await said(backend, 'in-contexts', CONTEXTS, [])).toEqual([each, each, each, each]);
});
