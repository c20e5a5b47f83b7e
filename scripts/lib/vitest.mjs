/** Runs vitest: what passes is counted, what fails is shown. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bin } from './root.mjs';
import { openly } from './run.mjs';

const REPORTERS = ['--reporter=minimal', '--reporter=./scripts/lib/test-report.mjs'];

/** Runs the tests; where some fail, the error has them as its `failures`, a text each. */
export function vitest(args, env) {
  const folder = mkdtempSync(join(tmpdir(), 'qwormhole-tests-'));
  const file = join(folder, 'failed.json');
  try {
    openly('Testing TypeScript', bin('vitest'), ['run', ...REPORTERS, ...args], {
      ...env,
      FAILED_TESTS: file,
    });
  } catch (error) {
    if (existsSync(file)) error.failures = JSON.parse(readFileSync(file, 'utf8'));
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
