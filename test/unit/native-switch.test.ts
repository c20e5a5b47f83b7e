import { expect, test } from 'vitest';
import { decideNativeUse, type NativeUse } from '../../ts/policy/native-switch.js';

const NEVER = ['0', 'disable', 'force-ts'];
const FORCE = ['1', 'force'];
const AUTO = [undefined, '', 'auto'];

const use = (QWORMHOLE_NATIVE: string | undefined, options = {}): NativeUse =>
  decideNativeUse(options, { QWORMHOLE_NATIVE }).use;

test('any never wins over everything', () => {
  for (const value of NEVER) {
    for (const options of [{}, { preferNative: true }, { preferNative: false }, { forceTs: true }]) {
      expect(use(value, options)).toBe('never');
    }
  }
  for (const value of [...FORCE, ...AUTO]) {
    expect(use(value, { forceTs: true, preferNative: true })).toBe('never');
  }
});

test('force wins over a preference', () => {
  for (const value of FORCE) {
    expect(use(value)).toBe('force');
    expect(use(value, { preferNative: false, forceTs: false })).toBe('force');
  }
});

test('without either the preference decides, and it is native', () => {
  for (const value of AUTO) {
    expect(use(value)).toBe('prefer-native');
    expect(use(value, { preferNative: true })).toBe('prefer-native');
    expect(use(value, { preferNative: false })).toBe('prefer-ts');
  }
});

test('a value without meaning is an error that names variable and value, also under forceTs', () => {
  for (const value of ['2', 'true', 'FORCE', 'no', ' 1', '__proto__', 'constructor']) {
    for (const options of [{}, { forceTs: true }]) {
      expect(() => decideNativeUse(options, { QWORMHOLE_NATIVE: value })).toThrow(
        expect.objectContaining({
          code: 'ERR_QW_OPTION_INVALID',
          message: expect.stringContaining('QWORMHOLE_NATIVE'),
        }),
      );
    }
  }
});

test('the reason names what decided', () => {
  const reason = (value: string | undefined, options = {}) =>
    decideNativeUse(options, { QWORMHOLE_NATIVE: value }).reason;
  expect(reason('force-ts')).toBe('QWORMHOLE_NATIVE=force-ts');
  expect(reason('auto', { forceTs: true })).toBe('forceTs: true');
  expect(reason('1', { preferNative: false })).toBe('QWORMHOLE_NATIVE=1');
  expect(reason(undefined, { preferNative: false })).toBe('preferNative: false');
  expect(reason(undefined)).toContain('default');
});
