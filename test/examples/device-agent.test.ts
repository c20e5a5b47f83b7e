import { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { freePort } from '../support/ports.js';
import { backends, isTs, Program } from './program.js';

const loopback = Object.entries(networkInterfaces()).find(([, addresses]) =>
  addresses?.some(({ internal, family }) => internal && family === 'IPv4'),
)![0];

it.each(backends)('device-agent comes back over its interface, QWORMHOLE_NATIVE=%s', async (backend) => {
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  const binding = isTs(backend) || process.platform === 'win32' ? 'address' : 'device';
  const over = ['--interface', loopback, '--binding', binding];
  // The hub is not there yet.
  const agent = new Program(backend, 'device-agent/agent.mjs', 'pump-7', endpoint, ...over, '--every', '20');
  await agent.line(/^attempt 1 in \d+ ms: /);

  let hub = new Program(backend, 'device-agent/hub.mjs', endpoint);
  await agent.line(/^connected from 127\.0\.0\.1$/);
  await hub.line(/^pump-7 is here$/);
  const [, first] = await hub.line(/^pump-7 reports \{"number":(\d+),/);
  hub.signal('SIGKILL');
  await agent.line(/^lost: /);

  hub = new Program(backend, 'device-agent/hub.mjs', endpoint);
  await hub.line(/^pump-7 is here$/);
  const [, next] = await hub.line(/^pump-7 reports \{"number":(\d+),/);
  expect(Number(next)).toBeGreaterThan(Number(first));
  await agent.stop();
  await hub.line(/^pump-7 has gone: 0/);
  await hub.stop();
});

it.each(backends)('device-agent leaves where it is not wanted, QWORMHOLE_NATIVE=%s', async (backend) => {
  const hub = new Program(backend, 'device-agent/hub.mjs', 'tcp://127.0.0.1:0');
  const agent = new Program(backend, 'device-agent/agent.mjs', 'no name at all', await hub.address());
  await agent.line(/say which device you are/);
  await agent.exitCode();
  await hub.stop();
});

it.skipIf(process.platform === 'win32')('device-agent refuses an interface that is not there', async () => {
  const agent = new Program(
    backends.at(-1)!,
    'device-agent/agent.mjs',
    'pump-7',
    'tcp://127.0.0.1:1',
    '--interface',
    'wg9',
    '--binding',
    'address',
  );
  await agent.line(/^attempt 1 in .*wg9/);
});
