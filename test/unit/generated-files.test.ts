import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ERROR_TABLE } from '../../ts/errors/codes.js';
import { clientSchema, serverSchema } from '../../ts/options/schema.js';
import { OPTION_TABLE } from '../../ts/options/table.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('generated files are up to date with their sources', () => {
  const { status, stdout } = spawnSync(process.execPath, ['scripts/generate.mjs', '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stdout).toContain('up to date');
  expect(status).toBe(0);
});

test('every code is in the TypeScript table, the Rust enum and the page', () => {
  const codes = JSON.parse(readFileSync(`${root}/errors.json`, 'utf8')).map(
    (entry: { code: string }) => entry.code,
  );
  const rust = readFileSync(`${root}/src/error/codes.rs`, 'utf8');
  const page = readFileSync(`${root}/docs/errors.md`, 'utf8');
  expect(Object.keys(ERROR_TABLE)).toEqual(codes);
  for (const code of codes) {
    expect(rust).toContain(`name: "${code}"`);
    expect(page).toContain(`\`${code}\``);
  }
});

test('the table of options and the two schemas know the same options', () => {
  for (const [role, schema] of [
    ['server', serverSchema],
    ['client', clientSchema],
  ] as const) {
    const inTable = Object.entries(OPTION_TABLE)
      .filter(([name, facts]) => !name.includes('.') && (facts.for === 'both' || facts.for === role))
      .map(([name]) => name);
    expect(Object.keys(schema.shape).sort()).toEqual(inTable.sort());
  }
});
