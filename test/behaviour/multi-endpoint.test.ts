/** Several endpoints on one server: all or none. */
import { createQWormholeServer, listen } from 'qwormhole';
import { expect, it } from 'vitest';
import { freePort } from '../support/ports.js';
import { ANYWHERE, call, cleanUp, echo, serve, somewhere } from '../support/scene.js';
import { failure, next } from '../support/wait.js';

it('listens on all of them and says where', async () => {
  const server = await serve({ codec: 'text' }, [ANYWHERE, 'tcp://127.0.0.2:0']);
  echo(server);
  expect(server.addresses).toHaveLength(2);
  expect(server.addresses[0]).toMatch(/^(tcp|ws):\/\/127\.0\.0\.1:[1-9]\d*\/?$/);
  expect(server.addresses[1]).toMatch(/^tcp:\/\/127\.0\.0\.2:[1-9]\d*$/);
  for (const address of server.addresses) {
    const client = await call(address, { codec: 'text' });
    const back = next(client, 'message');
    client.send(address);
    expect(await back).toEqual([address]);
  }
  expect(server.getConnectionCount()).toBe(2);
});

it('binds none when one is taken, and may try again', async () => {
  const other = await listen(await somewhere());
  cleanUp(() => other.close());
  const place = `tcp://127.0.0.3:${await freePort()}`;
  const { server } = createQWormholeServer({ endpoints: [place, other.addresses[0]] });
  cleanUp(() => server.close());
  const error = await failure(() => server.listen());
  expect(error).toMatchObject({ code: 'ERR_QW_ADDRESS_IN_USE', retriable: true });
  expect(server.addresses).toEqual([]);
  const first = await listen(place);
  await first.close();
  await other.close();
  expect(await server.listen()).toEqual([place, other.addresses[0] ?? expect.any(String)]);
  expect(server.ready).toBe(true);
});

it('has a protocol for each when told so', async () => {
  const { server } = createQWormholeServer({
    endpoints: [
      { scheme: 'tcp', port: 0, protocol: 'raw' },
      { scheme: 'tcp', port: 0 },
    ],
    codec: 'text',
  });
  cleanUp(() => server.close());
  echo(server);
  const protocols: string[] = [];
  server.on('connection', (connection) => protocols.push(connection.protocol));
  const [raw, framed] = await server.listen();
  for (const [address, protocol] of [
    [raw, 'raw'],
    [framed, 'length-prefixed'],
  ] as const) {
    const client = await call(address, { codec: 'text', protocol });
    const back = next(client, 'message');
    client.send(protocol);
    expect(await back).toEqual([protocol]);
  }
  expect(protocols).toEqual(['raw', 'length-prefixed']);
});

it('says what is wrong with an address it cannot have', async () => {
  expect(await failure(() => listen('tcp://192.0.2.1:0'))).toMatchObject({
    code: 'ERR_QW_ADDRESS_UNAVAILABLE',
  });
  expect(await failure(() => listen('tcp://does-not-exist.invalid:0'))).toMatchObject({ code: 'ERR_QW_DNS' });
});

it('listens on IPv6 where there is one', async ({ skip }) => {
  const { networkInterfaces } = await import('node:os');
  const has6 = Object.values(networkInterfaces()).some((list) =>
    list?.some(({ address }) => address === '::1'),
  );
  if (!has6) skip('this machine has no ::1');
  const server = await serve({}, 'tcp://[::1]:0');
  expect(server.addresses[0]).toMatch(/^tcp:\/\/\[::1\]:\d+$/);
  const client = await call(server);
  expect(client.remoteAddress).toBe('::1');
});
