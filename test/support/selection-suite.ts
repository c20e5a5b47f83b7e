/** The selection suite, once for servers and once for clients. */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { BrokenAddons, BUILT_ADDON, probe, type Role, SELECTION, summarise } from './selection.js';

const DEBUG = { QWORMHOLE_DEBUG_NATIVE: '1' };
const NO_SUCH_PROCESSOR = fileURLToPath(new URL('./no-such-processor.cjs', import.meta.url));

export function selectionSuite(role: Role): void {
  const broken = new BrokenAddons();
  afterAll(() => broken.remove());

  describe.each(SELECTION)('QWORMHOLE_NATIVE=%s with %j', (variable, options, withAddon, without) => {
    const settings: Record<string, string> = variable === undefined ? {} : { QWORMHOLE_NATIVE: variable };

    test.skipIf(BUILT_ADDON === undefined)(`gives ${withAddon} where the addon is built`, () => {
      const outcome = probe(role, options, { ...settings, ...DEBUG });
      expect(summarise(outcome)).toBe(withAddon);
      // The loader speaks whenever it is touched, and only then.
      expect(outcome.stderr.includes('native candidate')).toBe(withAddon === 'native');
    });

    test(`gives ${without} without an addon`, () => {
      const outcome = probe(role, options, { ...settings, ...DEBUG, QWORMHOLE_NATIVE_PATH: broken.missing });
      expect(summarise(outcome)).toBe(without);
      const isTouched = without === 'ts-unavailable' || without === 'ERR_QW_NATIVE_UNAVAILABLE';
      expect(outcome.stderr.includes('native candidate')).toBe(isTouched);
    });
  });

  const CAUSES = [
    ['missing', 'binding not found'],
    ['corrupt', 'binding not loadable'],
    ['otherVersion', 'binding incompatible'],
    ['empty', 'binding incomplete'],
    ['throwing', 'binding threw'],
    ...(BUILT_ADDON?.includes('linux') ? [['otherPlatform', 'binding not loadable'] as const] : []),
  ] as const;

  describe.each(CAUSES)('an addon that is %s', (addon, cause) => {
    const path = { QWORMHOLE_NATIVE_PATH: broken[addon] };

    test('leads to TypeScript and to one warning with cause and cure', () => {
      const outcome = probe(role, {}, path);
      expect(summarise(outcome)).toBe('ts-unavailable');
      const warnings = outcome.stderr.split('\n').filter((line) => line.includes('falling back to TS'));
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(`[native-${role}] ${cause}, falling back to TS: `);
      expect(warnings[0]).toContain('npm run build');
    });

    test('is an error that names what was tried when native is forced', () => {
      const outcome = probe(role, {}, { ...path, QWORMHOLE_NATIVE: 'force' });
      expect(outcome.code).toBe('ERR_QW_NATIVE_UNAVAILABLE');
      expect(outcome.message).toContain(cause);
    });

    test('is named among the candidates with the reason', () => {
      const { stderr } = probe(role, {}, { ...path, ...DEBUG });
      expect(stderr).toContain(`native candidate ${path.QWORMHOLE_NATIVE_PATH}: ${cause}: `);
    });
  });

  // Without a build the generated loader is not there.
  test.skipIf(BUILT_ADDON === undefined)('where no addon is made, the warning says so', () => {
    const { stderr } = probe(role, {}, { NODE_OPTIONS: `--require ${JSON.stringify(NO_SUCH_PROCESSOR)}` });
    expect(stderr).toContain('binding not found, falling back to TS: Unsupported architecture');
    expect(stderr).toContain('nothing to be done');
    expect(stderr).not.toContain('Rebuild');
  });

  test('an addon is found by a path relative to the working directory', () => {
    const path = (file: string) => ({ QWORMHOLE_NATIVE_PATH: relative(process.cwd(), file) });
    expect(probe(role, {}, path(broken.otherVersion)).stderr).toContain('binding incompatible');
    if (BUILT_ADDON !== undefined) expect(summarise(probe(role, {}, path(BUILT_ADDON)))).toBe('native');
  });

  test('warns once for a thread and those it starts, and needs no files for that', () => {
    const nowhere = { QWORMHOLE_NATIVE_PATH: broken.missing, TMPDIR: broken.missing };
    const { stderr } = probe(role, {}, nowhere, 4);
    expect(stderr.match(/falling back to TS/g)).toHaveLength(1);
  });
}
