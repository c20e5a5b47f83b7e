/** Connections beyond the limit are turned away at once, counted, and told of without flooding anybody. */
import { expect, it } from 'vitest';
import { RawPeer } from '../support/raw-peer.js';
import { call, cleanUp, serve } from '../support/scene.js';
import { next, until } from '../support/wait.js';

it('turns away those beyond and takes others when there is room', async () => {
  const server = await serve({ protocol: 'length-prefixed', maxConnections: 3 });
  const peers: RawPeer[] = [];
  for (let i = 0; i < 10; i += 1) peers.push(await RawPeer.connect(server.addresses[0]));
  cleanUp(() => peers.forEach((peer) => peer.destroy()));
  await until(() => server.stats().connectionsRefused === 7, 'the refusals');
  await until(
    () => peers.filter(({ isClosed, hasEnded }) => isClosed || hasEnded).length === 7,
    'the refused',
  );
  expect(server.getConnectionCount()).toBe(3);
  expect(server.stats()).toMatchObject({ connections: 3, connectionsAccepted: 3, connectionsRefused: 7 });
  expect(server.errors.length).toBeLessThanOrEqual(2);
  expect(server.errors[0]).toMatchObject({ code: 'ERR_QW_TOO_MANY_CONNECTIONS', retriable: true });
  const left = next(server, 'clientClosed');
  peers.find(({ isClosed, hasEnded }) => !isClosed && !hasEnded)!.end();
  await left;
  const late = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => late.destroy());
  await until(() => server.stats().connectionsAccepted === 4, 'the late one');
});

it('bounds those of one address, and lets others in', async () => {
  const server = await serve({ maxConnectionsPerAddress: 2 });
  const clients = [await call(server), await call(server)];
  await until(() => server.getConnectionCount() === 2, 'both');
  const third = await call(server, { reconnect: false }).catch(() => undefined);
  await until(() => server.stats().connectionsRefused === 1, 'the refusal');
  if (third !== undefined) await until(() => third.state === 'closed', 'its end');
  expect(server.errors[0]).toMatchObject({ code: 'ERR_QW_TOO_MANY_CONNECTIONS' });
  expect(server.errors[0].message).toContain('2 already from 127.0.0.1');
  const elsewhere = await call(server, { localAddress: '127.0.0.2' });
  await until(() => server.getConnectionCount() === 3, 'the one from elsewhere');
  await clients[0].close();
  await until(() => server.getConnectionCount() === 2, 'one fewer');
  await call(server);
  await until(() => server.stats().connectionsAccepted === 4, 'the late one');
  expect(elsewhere.state).toBe('open');
});
