/** Where a connection with TLS comes from and goes to is what the options say, as without TLS. */
import { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { ANYWHERE, call } from '../support/scene.js';
import { next } from '../support/wait.js';
import { secureServer, TRUSTING } from './support.js';

const loopback = Object.entries(networkInterfaces()).find(([, all]) =>
  all?.some((each) => each.internal),
)?.[0];

// The whole of 127.0.0.0/8 is this machine's on Linux alone.
it.runIf(process.platform === 'linux')('comes from the local address', async () => {
  const server = await secureServer();
  const arrived = next(server, 'connection');
  await call(server, { tls: TRUSTING, localAddress: '127.0.0.9', reconnect: false });
  const [{ remoteAddress, tls }] = await arrived;
  expect([remoteAddress, tls.protocol]).toEqual(['127.0.0.9', 'TLSv1.3']);
});

it.skipIf(loopback === undefined)('is bound to an interface by its address', async () => {
  const bound = { interfaceName: loopback, interfaceBinding: 'address' } as const;
  const server = await secureServer({}, bound);
  expect(server.addresses[0]).toMatch(new RegExp(`^${new URL(ANYWHERE).protocol}//127\\.0\\.0\\.1:`));
  const arrived = next(server, 'connection');
  await call(server, { tls: TRUSTING, ...bound, reconnect: false });
  expect((await arrived)[0].remoteAddress).toBe('127.0.0.1');
});
