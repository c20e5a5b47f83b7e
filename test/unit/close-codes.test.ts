import { expect, test } from 'vitest';
import { CLOSE_CODES, CloseCode, closeCodeName, isRetriableClose } from '../../ts/close-codes.js';

test('the numbers are dense, distinct, and those of the wire', () => {
  const numbers = Object.values(CLOSE_CODES).map(({ code }) => code);
  expect(numbers).toEqual(Array.from({ length: 0x18 }, (_, index) => index));
  expect(CloseCode).toMatchObject({
    ok: 0,
    protocol: 2,
    too_big: 7,
    shutdown: 0x0a,
    internal: 0x0d,
    busy: 0x15,
    codec: 0x17,
  });
});

test('a number has a name, and one outside the table has none', () => {
  for (const [name, { code }] of Object.entries(CLOSE_CODES)) expect(closeCodeName(code)).toBe(name);
  expect(closeCodeName(0x18)).toBeUndefined();
  expect(closeCodeName(-1)).toBeUndefined();
});

test('exactly six codes invite another try', () => {
  const retriable = Array.from({ length: 256 }, (_, code) => code).filter(isRetriableClose);
  expect(retriable).toEqual([0x08, 0x09, 0x0a, 0x0c, 0x0f, 0x15]);
});
