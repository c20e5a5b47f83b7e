/** What the peers run on: where it is, or why there is none. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

const PYTHON = fileURLToPath(new URL('../../../.cache/foreign/venv/bin/python', import.meta.url));
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export interface Tool {
  readonly path: string;
  /** Why it cannot be used. */
  readonly missing?: string;
}

/** Python with the packages of requirements.txt. */
export const python: Tool = existsSync(PYTHON)
  ? { path: PYTHON }
  : { path: '', missing: 'its Python environment is not there: npm run test:foreign makes it' };

const browser = BROWSERS.find((path) => existsSync(path));
export const chromium: Tool =
  browser === undefined ? { path: '', missing: 'Chromium is not installed' } : { path: browser };

/** What puts certificates where Chromium finds them. */
export const certutil: Tool = existsSync('/usr/bin/certutil')
  ? { path: '/usr/bin/certutil' }
  : { path: '', missing: 'certutil is not installed' };

/** Tests that need a tool; without it they are skipped, and it is said why. */
export function describeWith(tool: Tool, title: string, tests: () => void): void {
  if (tool.missing === undefined) return void describe(title, tests);
  console.log(`${title}: skipped (${tool.missing})`);
  describe.skip(`${title} (${tool.missing})`, tests);
}
