import fc from 'fast-check';
import { CLOSE_CODES } from 'qwormhole';
import { fitReason, fromWebSocketCode, toWebSocketCode } from 'qwormhole/internal';
import { expect, test } from 'vitest';
import { holds } from '../support/holds.js';

test('every code of the table goes out, and comes back as itself or as the one it shares a number with', () => {
  for (const { code } of Object.values(CLOSE_CODES)) {
    const wire = toWebSocketCode(code)!;
    expect(wire === 1000 || (wire >= 1002 && wire <= 1013) || (wire >= 4400 && wire <= 4999)).toBe(true);
    const back = fromWebSocketCode(wire);
    expect(toWebSocketCode(back)).toBe(wire);
    if (code !== CLOSE_CODES.rate_limited.code) expect(back).toBe(code);
  }
  expect(fromWebSocketCode(1005)).toBe(0);
});

test('what may be sent is what RFC 6455 allows', () => {
  const reserved = [1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535];
  for (const code of [600, 999, ...reserved]) expect(toWebSocketCode(code)).toBeUndefined();
  for (const code of [1000, 1001, 1003, 1007, 1014, 3000, 3999, 4000, 4999])
    expect(toWebSocketCode(code)).toBe(code);
});

test('a reason is cut at a character, and not before it has to be', async () => {
  expect(fitReason('x'.repeat(123))).toBe('x'.repeat(123));
  await holds(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const whole = Buffer.from(text).toString();
      const cut = fitReason(text);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(123);
      expect(whole.startsWith(cut)).toBe(true);
      if (Buffer.byteLength(text) > 123) expect(Buffer.byteLength(cut)).toBeGreaterThan(119);
      else expect(cut).toBe(text);
    }),
  );
});
