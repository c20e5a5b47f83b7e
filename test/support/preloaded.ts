/** Small libraries of C that are preloaded into programs under test; needs Linux and a C compiler. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';

export interface Preloaded {
  /** Why there are none here. */
  readonly missing: string | undefined;
  /** For files of the tests. */
  readonly folder: string;
  /** With what is preloaded anyway. */
  readonly env: Record<string, string>;
}

/** A library, made of a source in this folder for as long as the tests of a file run. */
export function preloaded(source: string, subject: string): Preloaded {
  const missing = whyNot();
  if (missing !== undefined) {
    console.log(`${subject}: skipped (${missing})`);
    return { missing, folder: '', env: {} };
  }
  const folder = mkdtempSync(join(tmpdir(), 'qwormhole-preloaded-'));
  const library = join(folder, 'library.so');
  const path = fileURLToPath(new URL(source, import.meta.url));
  beforeAll(() => void execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, path, '-ldl']));
  afterAll(() => rmSync(folder, { recursive: true }));
  const others = process.env.LD_PRELOAD ?? '';
  return { missing, folder, env: { LD_PRELOAD: others === '' ? library : `${others}:${library}` } };
}

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'libraries are preloaded on Linux';
  return spawnSync('cc', ['--version']).status === 0 ? undefined : 'there is no C compiler';
}
