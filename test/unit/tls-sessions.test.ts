import { expect, test } from 'vitest';
import { TlsSessions } from '../../ts/link/ts/tls-sessions.js';

const session = (text: string) => ({ session: Buffer.from(text), chain: [] });

test('sessions are kept of 64 servers, and the one that was put by first goes', () => {
  const sessions = new TlsSessions();
  for (let server = 0; server < 64; server += 1) sessions.put(`${server}`, session('old'));
  // The newest now.
  sessions.put('0', session('new'));
  sessions.put('64', session('one more'));
  expect(sessions.take('1')).toBeUndefined();
  expect(sessions.take('0')).toEqual(session('new'));
  expect(sessions.take('2')).toEqual(session('old'));
});

test('a session is used once', () => {
  const sessions = new TlsSessions();
  sessions.put('a', session('only'));
  expect(sessions.take('a')).toEqual(session('only'));
  expect(sessions.take('a')).toBeUndefined();
});
