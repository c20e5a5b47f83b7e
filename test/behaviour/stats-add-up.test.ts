/** Counters are true at any moment: accepted = written + buffered + discarded, on every object. */
import type { TrafficStats } from 'qwormhole';
import { expect, it } from 'vitest';
import { call, rawPair, serve } from '../support/scene.js';
import { sleep, until } from '../support/wait.js';

function check(stats: TrafficStats): void {
  const { accepted, bytesWritten, bufferedAmount, bytesDiscarded } = stats;
  expect(bytesWritten + bufferedAmount + bytesDiscarded).toBe(accepted.bytes);
  for (const number of [bytesWritten, bufferedAmount, bytesDiscarded])
    expect(number).toBeGreaterThanOrEqual(0);
}

it('over connections that come, talk and go in every way', async () => {
  const server = await serve();
  server.on('message', (message, connection) => connection.send(message));
  let offered = 0;
  let answered = 0;
  for (let round = 0; round < 15; round += 1) {
    const client = await call(server, { reconnect: false });
    client.on('message', () => (answered += 1));
    for (let i = 0; i < 50; i += 1) {
      offered += 1;
      client.send(Buffer.alloc((i * 997) % 50_000));
      if (i % 10 === 0) [client, server].forEach((each) => check(each.stats()));
    }
    await sleep(round % 5);
    // There may still be the connection of the round before.
    await until(() => server.stats().connectionsAccepted === round + 1, 'that the server knows its client');
    if (round % 3 === 0) await client.close();
    else if (round % 3 === 1) client.terminate();
    else for (const connection of server) connection.terminate();
    await until(() => client.state === 'closed', 'the end');
    check(client.stats());
  }
  await until(() => server.getConnectionCount() === 0, 'no connection');
  const stats = server.stats();
  check(stats);
  expect(stats).toMatchObject({
    connections: 0,
    connectionsAccepted: 15,
    connectionsRefused: 0,
    bufferedAmount: 0,
  });
  expect(stats.received.messages).toBeLessThanOrEqual(offered);
  expect(stats.accepted.messages + stats.dropped.closed.messages).toBeLessThanOrEqual(
    stats.received.messages,
  );
  expect(answered).toBeLessThanOrEqual(stats.accepted.messages);
});

it('for what was queued when the connection was cut', async () => {
  const { server, connection, peer } = await rawPair();
  peer.socket.pause();
  for (let i = 0; i < 600; i += 1) {
    connection.send(Buffer.alloc(20_000));
    if (i % 50 === 0) await new Promise(setImmediate);
  }
  const before = connection.stats();
  check(before);
  expect(before.bufferedAmount).toBeGreaterThan(1 << 20);
  connection.terminate();
  await until(() => connection.state === 'closed', 'the end');
  const after = connection.stats();
  check(after);
  expect(after.bytesDiscarded).toBeGreaterThan(1 << 20);
  check(server.stats());
  expect(server.stats().bytesDiscarded).toBe(after.bytesDiscarded);
});

it('counts what comes in', async () => {
  const { connection, peer } = await rawPair({ codec: 'text' });
  connection.on('message', () => {});
  for (const text of ['', 'a', 'grüße']) peer.send(text);
  await until(() => connection.stats().received.messages === 3, 'the messages');
  expect(connection.stats().received.bytes).toBe(8);
});
