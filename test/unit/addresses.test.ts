/** What counts as one address where connections from each are bounded. */
import { Crowd, placeOf, resolveServerOptions } from 'qwormhole/internal';
import { expect, it } from 'vitest';

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:0:7::1', '2001:db8:0:7::/64'],
  ['2001:DB8:0:7:ffff:ffff:ffff:ffff', '2001:db8:0:7::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
  ['', ''],
])('%s counts as %s', (address, place) => {
  expect(placeOf(address)).toBe(place);
});

it('counts those who come and go', () => {
  const crowd = new Crowd(2);
  for (const address of ['2001:db8::1', '2001:db8::2']) crowd.enter(address);
  expect([crowd.hasRoom('2001:db8::3'), crowd.hasRoom('2001:db8:0:1::3')]).toEqual([false, true]);
  crowd.leave('2001:db8::1');
  expect(crowd.hasRoom('2001:db8::3')).toBe(true);
});

it('is bounded by the preset internet, unless it is set itself', () => {
  const endpoints = 'tcp://127.0.0.1:0';
  const limits = (options: object) => {
    const { maxConnectionsPerAddress, maxPendingHandshakes, handshakeTimeoutMs } = resolveServerOptions({
      endpoints,
      ...options,
    });
    return [maxConnectionsPerAddress, maxPendingHandshakes, handshakeTimeoutMs];
  };
  expect(limits({})).toEqual([Infinity, 1024, 10_000]);
  expect(limits({ preset: 'lan' })).toEqual([Infinity, 1024, 10_000]);
  expect(limits({ preset: 'internet' })).toEqual([64, 256, 5000]);
  expect(limits({ preset: 'internet', maxPendingHandshakes: 9 })).toEqual([64, 9, 5000]);
});
