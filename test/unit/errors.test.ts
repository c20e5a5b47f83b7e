import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { ERROR_TABLE, type ErrorCode } from '../../ts/errors/codes.js';
import { aborted, closed, QWormholeError, tooBig } from '../../ts/errors/error.js';

test('an error carries what its code says, and its message ends with the remedy', () => {
  for (const code of Object.keys(ERROR_TABLE) as ErrorCode[]) {
    const error = new QWormholeError(code);
    const { kind, retriable, meaning, remedy } = ERROR_TABLE[code];
    expect(error).toMatchObject({ name: 'QWormholeError', code, kind, retriable, remedy });
    expect(error.message).toBe(`${meaning} ${remedy}`);
    expect(error).toBeInstanceOf(Error);
  }
});

test('a message of its own becomes a sentence before the remedy', () => {
  const remedy = ERROR_TABLE.ERR_QW_CLOSED.remedy;
  expect(new QWormholeError('ERR_QW_CLOSED', 'Not yet').message).toBe(`Not yet. ${remedy}`);
  expect(new QWormholeError('ERR_QW_CLOSED', 'Really?').message).toBe(`Really? ${remedy}`);
});

test('what an error does not have is not there as undefined', () => {
  const error = new QWormholeError('ERR_QW_CLOSED');
  expect('cause' in error).toBe(false);
  expect(Object.keys(error)).toEqual(['code', 'kind', 'retriable', 'remedy']);
  expect(inspect(error)).not.toContain('undefined');
});

test('instanceof knows the errors of another copy of the package, and nothing else', async () => {
  const path = '../../ts/errors/base.js?copy';
  const copy = (await import(/* @vite-ignore */ path)) as typeof import('../../ts/errors/base.js');
  expect(copy.QWormholeError).not.toBe(QWormholeError);
  const theirs = new copy.QWormholeError('ERR_QW_DNS');
  expect(theirs instanceof QWormholeError).toBe(true);
  expect(new QWormholeError('ERR_QW_DNS') instanceof copy.QWormholeError).toBe(true);
  for (const other of [new Error('x'), null, undefined, 'text', { code: 'ERR_QW_DNS' }]) {
    expect((other as unknown) instanceof QWormholeError).toBe(false);
  }
});

test('instanceof of a subclass keeps the usual meaning', () => {
  class Mine extends QWormholeError {}
  expect(new Mine('ERR_QW_DNS')).toBeInstanceOf(Mine);
  expect(new Mine('ERR_QW_DNS')).toBeInstanceOf(QWormholeError);
  expect(new QWormholeError('ERR_QW_DNS') instanceof Mine).toBe(false);
});

test('toJSON gives plain data with the cause in short', () => {
  const system = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const inner = new QWormholeError('ERR_QW_CONNECT_REFUSED', 'No', { cause: system });
  const error = new QWormholeError('ERR_QW_CLOSED', 'Hm', {
    cause: inner,
    closeCode: 8,
    details: { bytes: 3 },
  });
  const json = JSON.parse(JSON.stringify(error));
  expect(json).toMatchObject({ code: 'ERR_QW_CLOSED', closeCode: 8, details: { bytes: 3 } });
  expect(json.cause).toMatchObject({ code: 'ERR_QW_CONNECT_REFUSED' });
  expect(json.cause.cause).toEqual({ name: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' });
  expect(json.stack).toBeUndefined();
});

test('the small constructors name the values', () => {
  expect(tooBig(11, 10)).toMatchObject({ code: 'ERR_QW_TOO_BIG', details: { size: 11, limit: 10 } });
  expect(tooBig(11, 10).message).toContain('11 bytes');
  expect(closed('server').message).toContain('The server is closed.');
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  expect(aborted(controller.signal)).toMatchObject({ code: 'ERR_QW_ABORTED', cause: { message: 'enough' } });
});
