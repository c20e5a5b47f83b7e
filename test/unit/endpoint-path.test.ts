/** Endpoints that are files or pipes of this machine: their grammar, on every platform. */
import { expect, test } from 'vitest';
import { formatEndpoint, isLoopback, parseEndpoint } from '../../ts/endpoint.js';
import { lackOf, pathOfObject, pathOfUrl, urlOfPath } from '../../ts/endpoint-path.js';
import { honours } from '../../ts/options/support.js';
import type { ServerSettings } from '../../ts/options/settings.js';

test.each([
  ['/run/chat.sock', '/run/chat.sock'],
  ['/run/a%20b%3F%23%25.sock', '/run/a b?#%.sock'],
  ['/run/%C3%BC.sock', '/run/ü.sock'],
])('unix://%s is the path %s, and back', (rest, path) => {
  expect(pathOfUrl('unix', rest, 'linux')).toBe(path);
  expect(pathOfUrl('unix', urlOfPath('unix', path).slice('unix://'.length), 'linux')).toBe(path);
});

test.each([
  ['run/chat.sock', 'three slashes'],
  ['', 'three slashes'],
  ['/run/', 'directory'],
  ['/run/chat.sock?mode=1', 'query'],
  ['/run/chat.sock#f', 'fragment'],
  ['/run/%zz', 'hexadecimal'],
  ['/run/%00', 'NUL'],
])('unix://%s is refused: %s', (rest, why) => {
  expect(pathOfUrl('unix', rest, 'linux')).toEqual({ why: expect.stringContaining(why) });
});

test('a path is as long as the system takes it', () => {
  const path = `/${'a'.repeat(103)}`;
  expect(pathOfObject('unix', path, 'linux')).toBe(path);
  expect(pathOfObject('unix', path, 'darwin')).toEqual({ why: expect.stringContaining('104 bytes') });
  expect(pathOfObject('unix', `/${'ä'.repeat(54)}`, 'linux')).toEqual({
    why: expect.stringContaining('109 bytes'),
  });
  expect(pathOfObject('unix', 7, 'linux')).toEqual({ why: expect.stringContaining('no string') });
});

test.each([
  ['chat', '\\\\.\\pipe\\chat'],
  ['team/chat.1', '\\\\.\\pipe\\team\\chat.1'],
])('pipe://%s is a pipe of Windows, and back', (name, path) => {
  expect(pathOfUrl('pipe', name, 'win32')).toBe(path);
  expect(urlOfPath('pipe', path)).toBe(`pipe://${name}`);
  expect(isLoopback(path)).toBe(true);
});

test.each(['', '/chat', 'a\\b', 'a b', 'a?b', 'x'.repeat(250)])('the pipe %j is refused', (name) => {
  expect(pathOfUrl('pipe', name, 'win32')).toEqual({ why: expect.stringContaining('a pipe is a name') });
});

test('each platform has one of them', () => {
  expect(lackOf('unix', 'win32')).toContain('pipe://');
  expect(lackOf('pipe', 'linux')).toContain('unix://');
  expect(lackOf('unix', 'darwin') ?? lackOf('pipe', 'win32')).toBeUndefined();
});

test('only the TypeScript backend has pipes', () => {
  const endpoints = [{ scheme: 'pipe', host: '\\\\.\\pipe\\chat', port: 0, protocol: 'qwh' }];
  const settings = { endpoints } as unknown as ServerSettings;
  const host = { runtime: 'node', version: '22.12.0', platform: 'win32' } as const;
  expect(honours(settings, 'native', host)).toBe(false);
  expect(honours(settings, 'ts', host)).toBe(true);
});

test.skipIf(process.platform === 'win32')('the object form may say the protocol', () => {
  const endpoint = parseEndpoint({ scheme: 'unix', path: '/run/a b.sock', protocol: 'raw' }, 'connect');
  expect(endpoint).toEqual({ scheme: 'unix', host: '/run/a b.sock', port: 0, protocol: 'raw' });
  expect(formatEndpoint(endpoint)).toBe('unix:///run/a%20b.sock');
  expect(() => parseEndpoint({ scheme: 'unix', path: '/x', port: 1 } as never, 'connect')).toThrow(
    'no field',
  );
  expect(() => parseEndpoint('pipe://chat', 'connect')).toThrow('unix:///');
});
