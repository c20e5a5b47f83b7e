import { expect, test } from 'vitest';
import { hasNative, run } from './cli.js';

const NOWHERE = { QWORMHOLE_NATIVE_PATH: '/nonexistent/addon.node' };

test('it reports the backend, the reason, versions, platform, environment and a self-test', async () => {
  const { code, stdout, stderr } = await run(['doctor', '--json'], { env: { QWORMHOLE_NATIVE: '0' } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n')).toHaveLength(2);
  expect(JSON.parse(stdout)).toMatchObject({
    usable: true,
    mode: 'ts',
    backend: 'ts',
    nativeAvailable: null,
    reason: 'QWORMHOLE_NATIVE=0',
    candidates: [],
    cure: null,
    selfTest: { ok: true, milliseconds: expect.any(Number) },
    versions: {
      addon: null,
      node: process.versions.node,
      napi: process.versions.napi,
      libuv: process.versions.uv,
    },
    platform: { os: process.platform, arch: process.arch },
    environment: {
      QWORMHOLE_NATIVE: '0',
      QWORMHOLE_IO: null,
      QWORMHOLE_NATIVE_PATH: null,
      QWORMHOLE_DEBUG_NATIVE: null,
    },
  });
});

test('without --json it is for people', async () => {
  const { code, stdout } = await run(['doctor'], { env: { QWORMHOLE_NATIVE: '0' } });
  expect(code).toBe(0);
  for (const title of [
    'Backend',
    'Why',
    'I/O',
    'Tried',
    'Self-test',
    'Cure',
    'Versions',
    'Platform',
    'Environment',
    'Rust',
  ]) {
    expect(stdout).toMatch(new RegExp(`^${title}: +\\S`, 'm'));
  }
});

test('an addon that is not there is named, with a cure, and TypeScript is used', async () => {
  const { code, stdout, stderr } = await run(['doctor', '--json'], { env: NOWHERE });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ usable: true, mode: 'ts', nativeAvailable: false });
  expect(report.candidates).toEqual([
    { path: NOWHERE.QWORMHOLE_NATIVE_PATH, failure: 'binding not found', detail: expect.any(String) },
  ]);
  expect(report.cure).toMatch(/\S/);
});

test('native that is forced and broken is exit code 1', async () => {
  const { code, stdout } = await run(['doctor'], { env: { ...NOWHERE, QWORMHOLE_NATIVE: '1' } });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^Backend: +none: native is forced/m);
  expect(stdout).toMatch(/^Usable: +no$/m);
});

test('a switch without meaning is an error', async () => {
  const { code, stderr } = await run(['doctor'], { env: { QWORMHOLE_NATIVE: 'maybe' } });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ERR_QW_OPTION_INVALID: .*QWORMHOLE_NATIVE/);
});

test.skipIf(!hasNative)('the native backend passes its self-test', async () => {
  const { code, stdout } = await run(['doctor', '--json'], { env: { QWORMHOLE_NATIVE: '1' } });
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    usable: true,
    mode: 'native',
    backend: 'rust',
    nativeAvailable: true,
    io: expect.stringMatching(/^(inline|threads)$/),
    selfTest: { ok: true },
  });
  expect(report.versions.addon).toMatch(/^\d+\.\d+\.\d+/);
  expect(report.candidates).toEqual([{ path: expect.stringMatching(/\.node$/) }]);
});
