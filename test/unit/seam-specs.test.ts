import { expect, test } from 'vitest';
import { dialAddress, listenAddress } from '../../ts/options/interface-address.js';
import { resolveClientOptions, resolveServerOptions } from '../../ts/options/resolve.js';
import { toDialSpec, toLimits, toListenSpec, toSocketSettings } from '../../ts/options/specs.js';

type Interfaces = NonNullable<Parameters<typeof listenAddress>[2]>;

const endpoints = 'tcp://0.0.0.0:9000';
const entry = (address: string, family: 'IPv4' | 'IPv6') =>
  ({ address, family, mac: '', internal: false }) as never;
const interfaces: Interfaces = {
  eth0: [entry('fe80::9', 'IPv6'), entry('2001:db8::9', 'IPv6'), entry('192.0.2.9', 'IPv4')],
  wg0: [entry('10.0.0.9', 'IPv4')],
  tun6: [entry('fe80::6', 'IPv6')],
};

test('limits and socket options are those of the seam', () => {
  const settings = resolveServerOptions({ endpoints, keepAlive: 5_000, maxMessage: 10, notSentLowAt: 7 });
  expect(toLimits(settings)).toEqual({
    maxMessage: 10,
    highWaterMark: 1_048_576,
    lowWaterMark: 262_144,
    maxQueued: 4_194_304,
    closeTimeoutMs: 5_000,
    heartbeat: { intervalMs: 20_000, timeoutMs: 45_000 },
    memoryBudget: 536_870_912,
    flushIntervalMs: 0,
  });
  expect(toSocketSettings(settings)).toMatchObject({ noDelay: true, keepAliveMs: 5_000, notSentLowAt: 7 });
  expect(toSocketSettings(resolveServerOptions({ endpoints, keepAlive: false })).keepAliveMs).toBe(0);
});

test('a listener gets the endpoint with its protocol', () => {
  const settings = resolveServerOptions({
    endpoints: { scheme: 'tcp', port: 0, protocol: 'raw' },
    backlog: 9,
  });
  expect(toListenSpec(settings, settings.endpoints[0])).toMatchObject({
    host: '127.0.0.1',
    port: 0,
    protocol: 'raw',
    backlog: 9,
    reusePort: false,
    ipv6Only: false,
  });
});

test('a call gets its own end only where that was asked for', () => {
  const plain = resolveClientOptions({ endpoints });
  expect(toDialSpec(plain, plain.endpoints[0])).toMatchObject({
    localAddress: undefined,
    localPort: undefined,
  });
  const bound = resolveClientOptions({ endpoints, localAddress: '127.0.0.2', localPort: 41_000 });
  expect(toDialSpec(bound, bound.endpoints[0])).toMatchObject({
    localAddress: '127.0.0.2',
    localPort: 41_000,
  });
});

test('a device is bound by the driver, an address here', () => {
  const device = resolveServerOptions({ endpoints, interfaceName: 'lo' });
  expect(toListenSpec(device, device.endpoints[0])).toMatchObject({
    host: '0.0.0.0',
    socket: { interfaceName: 'lo' },
  });
  const address = resolveServerOptions({ endpoints, interfaceName: 'nope', interfaceBinding: 'address' });
  expect(toSocketSettings(address).interfaceName).toBeUndefined();
  expect(() => toListenSpec(address, address.endpoints[0])).toThrow(
    'interface nope: there is no such interface',
  );
});

test('a wildcard host becomes the address of the interface', () => {
  expect(listenAddress('eth0', '0.0.0.0', interfaces)).toBe('192.0.2.9');
  expect(listenAddress('eth0', '::', interfaces)).toBe('2001:db8::9');
  expect(listenAddress('eth0', '192.0.2.9', interfaces)).toBe('192.0.2.9');
  expect(() => listenAddress('wg0', '::', interfaces)).toThrow('no IPv6 address');
  expect(() => listenAddress('eth0', '127.0.0.1', interfaces)).toThrow(
    '127.0.0.1 is not one of its addresses',
  );
});

test('a call comes from an address of the family that it goes to', () => {
  expect(dialAddress('eth0', '198.51.100.1', interfaces)).toBe('192.0.2.9');
  expect(dialAddress('eth0', '2001:db8::1', interfaces)).toBe('2001:db8::9');
  expect(dialAddress('eth0', 'host.example', interfaces)).toBe('192.0.2.9');
  expect(dialAddress('tun6', 'host.example', interfaces)).toBe('fe80::6%tun6');
  expect(() => dialAddress('wg0', '2001:db8::1', interfaces)).toThrow(
    expect.objectContaining({ code: 'ERR_QW_ADDRESS_UNAVAILABLE' }),
  );
});
