import { expect, test } from 'vitest';
import type { ErrorCode } from '../../ts/errors/codes.js';
import { fromSystem, QWormholeError, type SystemContext } from '../../ts/errors/error.js';

const what = 'tcp://127.0.0.1:1';

function mapped(errno: string, during: SystemContext['during'], syscall?: string): ErrorCode {
  return fromSystem(Object.assign(new Error(errno), { code: errno, syscall }), { during, what }).code;
}

test.each([
  ['EADDRINUSE', 'ERR_QW_ADDRESS_IN_USE'],
  ['EADDRNOTAVAIL', 'ERR_QW_ADDRESS_UNAVAILABLE'],
  ['EACCES', 'ERR_QW_PERMISSION'],
  ['EPERM', 'ERR_QW_PERMISSION'],
  ['ENOTFOUND', 'ERR_QW_DNS'],
  ['EAI_AGAIN', 'ERR_QW_DNS'],
  ['EMFILE', 'ERR_QW_RESOURCES'],
  ['ENFILE', 'ERR_QW_RESOURCES'],
  ['ENOMEM', 'ERR_QW_RESOURCES'],
  ['ENOBUFS', 'ERR_QW_RESOURCES'],
  ['ENOSPC', 'ERR_QW_RESOURCES'],
  ['EDQUOT', 'ERR_QW_RESOURCES'],
])('%s is %s while listening and while connecting', (errno, code) => {
  expect(mapped(errno, 'listen')).toBe(code);
  expect(mapped(errno, 'connect')).toBe(code);
});

test('what refuses or delays a call is told from what breaks a connection', () => {
  expect(mapped('ECONNREFUSED', 'connect')).toBe('ERR_QW_CONNECT_REFUSED');
  expect(mapped('ETIMEDOUT', 'connect')).toBe('ERR_QW_CONNECT_TIMEOUT');
  expect(mapped('ECONNRESET', 'connect')).toBe('ERR_QW_CONNECT_FAILED');
  expect(mapped('EHOSTUNREACH', 'connect')).toBe('ERR_QW_CONNECT_FAILED');
  for (const errno of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EPERM']) {
    expect(mapped(errno, 'io')).toBe('ERR_QW_CONNECTION_LOST');
  }
  expect(mapped('ENOBUFS', 'io')).toBe('ERR_QW_RESOURCES');
});

test('a call without a route is not a foreign address', () => {
  expect(mapped('EADDRNOTAVAIL', 'connect', 'connect')).toBe('ERR_QW_CONNECT_FAILED');
  expect(mapped('EADDRNOTAVAIL', 'connect', 'bind')).toBe('ERR_QW_ADDRESS_UNAVAILABLE');
});

test('the message names endpoint and errno, the cause is the original', () => {
  const cause = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE', syscall: 'listen' });
  const error = fromSystem(cause, { during: 'listen', what, closeCode: 13 });
  expect(error.message).toContain('Cannot listen on tcp://127.0.0.1:1: EADDRINUSE.');
  expect(error).toMatchObject({
    cause,
    closeCode: 13,
    details: { errno: 'EADDRINUSE', syscall: 'listen', what },
  });
});

test('an error of ours stays itself, an abort is an abort, and anything at all can be mapped', () => {
  const ours = new QWormholeError('ERR_QW_CLOSED');
  expect(fromSystem(ours, { during: 'io', what })).toBe(ours);
  const abort = Object.assign(new Error('aborted'), { code: 'ABORT_ERR', cause: 'why' });
  expect(fromSystem(abort, { during: 'connect', what })).toMatchObject({
    code: 'ERR_QW_ABORTED',
    cause: 'why',
  });
  for (const oddity of [undefined, null, 'text', 7, {}]) {
    expect(fromSystem(oddity, { during: 'io', what }).code).toBe('ERR_QW_CONNECTION_LOST');
  }
});

test('a server that listens and cannot accept says so', () => {
  const cause = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' });
  const error = fromSystem(cause, { during: 'accept', what });
  expect(error.code).toBe('ERR_QW_RESOURCES');
  expect(error.message).toContain('Cannot accept connections on tcp://127.0.0.1:1: EMFILE.');
  expect(mapped('EPROTO', 'accept')).toBe('ERR_QW_CONNECTION_LOST');
});
