/** Options that only the native backend honours: each is seen to work, not only to be accepted. */
import { networkInterfaces } from 'node:os';
import { connect, type ConnectOptions, listen, type ListenOptions } from 'qwormhole';
import { expect, test } from 'vitest';
import { failure, next } from '../support/wait.js';

const LOOPBACK = Object.entries(networkInterfaces()).find(([, addresses]) =>
  addresses?.some((a) => a.internal),
)?.[0];

/** Echoes one message over each of `count` connections. */
async function echoes(
  count: number,
  server: ListenOptions<'text'>,
  client: ConnectOptions<'text'> = {},
): Promise<void> {
  await using listening = await listen('tcp://127.0.0.1:0', { codec: 'text', ...server });
  expect(listening.mode).toBe('native');
  listening.on('message', (message, connection) => connection.send(message));
  const clients = await Promise.all(
    Array.from({ length: count }, () => connect(listening.addresses[0], { codec: 'text', ...client })),
  );
  const replies = clients.map(async (each, index) => {
    const reply = next(each, 'message');
    each.send(`message ${index}`);
    expect(await reply).toEqual([`message ${index}`]);
  });
  await Promise.all(replies);
  await Promise.all(clients.map((each) => each.close()));
}

test('ioThreads spreads the connections of a server and the calls of a client', async () => {
  await echoes(24, { ioThreads: 3 }, { ioThreads: 2 });
});

test('buffer sizes, keepalive, unsent data and user timeout', async () => {
  const socket = { sendBufferSize: 65_536, receiveBufferSize: 65_536, keepAlive: 1000, noDelay: false };
  const linux = process.platform === 'linux' ? { notSentLowAt: 16_384, userTimeoutMs: 5000 } : {};
  await echoes(2, { ...socket, ...linux }, { ...socket, ...linux });
});

test.skipIf(LOOPBACK === undefined)('interfaceName binds both ends to a device', async () => {
  await echoes(2, { interfaceName: LOOPBACK }, { interfaceName: LOOPBACK });
});

test('interfaceName without such a device is refused, for servers and clients', async () => {
  const options = { interfaceName: 'no-such-device' };
  expect((await failure(() => listen('tcp://127.0.0.1:0', options))).code).toBe('ERR_QW_ADDRESS_UNAVAILABLE');
  await using server = await listen('tcp://127.0.0.1:0');
  const refused = await failure(() => connect(server.addresses[0], options));
  expect(refused.code).toBe('ERR_QW_ADDRESS_UNAVAILABLE');
});

test.skipIf(process.platform !== 'linux')('reusePort lets two servers share a port', async () => {
  await using first = await listen('tcp://127.0.0.1:0', { reusePort: true });
  await using second = await listen(first.addresses[0], { reusePort: true });
  expect(second.addresses).toEqual(first.addresses);
  const third = await failure(() => listen(first.addresses[0]));
  expect(third).toMatchObject({
    code: 'ERR_QW_ADDRESS_IN_USE',
    remedy: expect.stringContaining('reusePort'),
  });
});
