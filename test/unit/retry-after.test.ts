import { expect, test } from 'vitest';
import { QWormholeError } from '../../ts/index.js';
import { retryAfterOf } from '../../ts/policy/retry-after.js';

const NOW = Date.UTC(2030, 0, 1);
const advice = (details?: Record<string, unknown>) =>
  retryAfterOf(new QWormholeError('ERR_QW_UPGRADE_REFUSED', undefined, { details }), NOW);
const header = (value: unknown) => advice({ status: 503, headers: { 'retry-after': value } });

test('advice is taken from the handshake, or from a header in seconds or as a date', () => {
  expect(advice({ retryAfterMs: 700, headers: { 'retry-after': '9' } })).toBe(700);
  expect(header('120')).toBe(120_000);
  expect(header('Tue, 01 Jan 2030 00:00:05 GMT')).toBe(5000);
  expect(header('Tue, 01 Jan 2019 00:00:05 GMT')).toBe(0);
});

test('what is no advice is none', () => {
  for (const value of ['soon', '-1', '1'.repeat(20), undefined, ['1']]) expect(header(value)).toBeUndefined();
  expect(advice()).toBeUndefined();
  expect(advice({ status: 503 })).toBeUndefined();
});
