import { expect, test } from 'vitest';
import { QWormholeError } from '../../ts/errors/error.js';
import { resolveClientOptions, resolveServerOptions } from '../../ts/options/resolve.js';
import { assertSupported, currentHost, honours, type Host } from '../../ts/options/support.js';
import type { ClientOptions, ServerOptions } from '../../ts/options/types.js';

const endpoints = 'tcp://127.0.0.1:9000';
const linux: Host = { runtime: 'node', version: '22.12.0', platform: 'linux' };
const mac: Host = { ...linux, platform: 'darwin' };
const windows: Host = { ...linux, platform: 'win32' };

const server = (options: Omit<ServerOptions, 'endpoints'>) => resolveServerOptions({ endpoints, ...options });
const client = (options: Omit<ClientOptions, 'endpoints'>) => resolveClientOptions({ endpoints, ...options });

test('defaults are honoured everywhere', () => {
  for (const runtime of ['node', 'bun', 'deno'] as const) {
    for (const platform of ['linux', 'darwin', 'win32', 'freebsd']) {
      for (const mode of ['native', 'ts'] as const) {
        const host = { runtime, version: '20.19.0', platform };
        expect(honours(server({}), mode, host)).toBe(true);
        expect(honours(client({}), mode, host)).toBe(true);
      }
    }
  }
});

test('what only the native backend can do is refused by the other, by name and with a cure', () => {
  for (const options of [
    { ioThreads: 2 },
    { receiveBufferSize: 65_536 },
    { sendBufferSize: 65_536 },
    { notSentLowAt: 16_384 },
    { userTimeoutMs: 5_000 },
    { interfaceName: 'lo' },
  ]) {
    const [name] = Object.keys(options);
    const settings = server(options);
    expect(honours(settings, 'native', linux)).toBe(true);
    expect(honours(settings, 'ts', linux)).toBe(false);
    const refuse = () => assertSupported(settings, 'ts', linux);
    expect(refuse).toThrow(QWormholeError);
    expect(refuse).toThrow(
      `Option ${name} is not honoured by the TypeScript backend on Node 22.12.0 (linux): `,
    );
    expect(refuse).toThrow(/native backend/);
  }
});

test('an option given with its default asks for nothing special', () => {
  expect(honours(server({ ioThreads: 1, reusePort: false }), 'ts', windows)).toBe(true);
});

test('binding to the address of an interface needs no special backend', () => {
  const settings = client({ interfaceName: 'lo', interfaceBinding: 'address' });
  for (const host of [linux, mac, windows]) {
    expect(honours(settings, 'ts', host)).toBe(true);
    expect(honours(settings, 'native', host)).toBe(true);
  }
});

test('what the native backend honours depends on the platform', () => {
  expect(honours(server({ interfaceName: 'en0' }), 'native', mac)).toBe(true);
  expect(honours(server({ interfaceName: 'Ethernet 2' }), 'native', windows)).toBe(false);
  expect(honours(server({ userTimeoutMs: 1 }), 'native', mac)).toBe(false);
  expect(() => assertSupported(server({ reusePort: true }), 'native', windows)).toThrow(
    'native backend on win32',
  );
});

test.each([
  ['20.19.0', false],
  ['22.11.0', false],
  ['22.12.0', true],
  ['22.20.1', true],
  ['23.0.0', false],
  ['23.1.0', true],
  ['24.0.0', true],
])('reusePort on TypeScript with Node %s: %s', (version, expected) => {
  const settings = server({ reusePort: true });
  expect(honours(settings, 'ts', { ...linux, version })).toBe(expected);
  expect(honours(settings, 'ts', { ...mac, version })).toBe(false);
});

test('what nobody tried is refused, and said so', () => {
  const bsd = { ...linux, platform: 'freebsd' };
  expect(() => assertSupported(server({ reusePort: true }), 'native', bsd)).toThrow(
    'not known to be honoured',
  );
  expect(honours(server({ receiveBufferSize: 1 }), 'native', bsd)).toBe(true);
});

test('what a runtime is seen to ignore is refused there', () => {
  const bun = { runtime: 'bun', version: '1.3.14', platform: 'linux' } as const;
  const deno = { runtime: 'deno', version: '2.9.6', platform: 'linux' } as const;
  const byAddress = client({ interfaceName: 'lo', interfaceBinding: 'address' });
  expect([bun, deno].map((host) => honours(client({ localAddress: '127.0.0.2' }), 'ts', host))).toEqual([
    false,
    true,
  ]);
  expect([bun, deno].map((host) => honours(byAddress, 'ts', host))).toEqual([false, true]);
  expect([bun, deno].map((host) => honours(server({ ipv6Only: true }), 'ts', host))).toEqual([true, false]);
  expect([bun, deno].map((host) => honours(server({ reusePort: true }), 'ts', host))).toEqual([true, true]);
});

test('the host of this process is known', () => {
  expect(currentHost()).toEqual({
    runtime: 'node',
    version: process.versions.node,
    platform: process.platform,
  });
});

test('native has no agents, which leaves the choice to TypeScript', () => {
  const addRequest = (): void => {};
  const withAgent = resolveClientOptions({
    endpoints: 'ws://127.0.0.1:1',
    agent: { addRequest } as never,
  });
  expect(honours(withAgent, 'native')).toBe(false);
  expect(honours(withAgent, 'ts', { runtime: 'node', version: '22.12.0', platform: 'linux' })).toBe(true);
  expect(honours(resolveClientOptions({ endpoints: 'ws://127.0.0.1:1' }), 'native')).toBe(true);
});
