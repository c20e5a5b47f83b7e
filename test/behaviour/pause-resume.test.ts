/** Pausing stops delivery at once, also among messages that came together; nothing is lost or reordered. */
import { expect, it } from 'vitest';
import { pair, rawPair } from '../support/scene.js';
import { next, sleep, until } from '../support/wait.js';

it('stops within a batch and goes on with what is left', async () => {
  const { connection, peer } = await rawPair({ codec: 'text' });
  const seen: string[] = [];
  connection.on('message', (message) => {
    seen.push(message);
    if (message === '3' || message === '7') connection.pause();
  });
  peer.write(Buffer.concat(Array.from({ length: 10 }, (_, i) => peer.pack(String(i)))));
  await until(() => seen.length === 4, 'the first pause');
  await sleep(20);
  expect(seen).toEqual(['0', '1', '2', '3']);
  peer.send('10');
  connection.resume();
  await until(() => seen.length === 8, 'the second pause');
  await sleep(20);
  expect(seen.at(-1)).toBe('7');
  connection.resume();
  await until(() => seen.length === 11, 'the rest');
  expect(seen).toEqual(Array.from({ length: 11 }, (_, i) => String(i)));
});

it('calls no handler from inside of resume', async () => {
  const { connection, peer } = await rawPair({ codec: 'text' });
  let inside = false;
  const seen: boolean[] = [];
  connection.on('message', () => {
    seen.push(inside);
    if (seen.length === 1) connection.pause();
  });
  peer.write(Buffer.concat([peer.pack('a'), peer.pack('b'), peer.pack('c')]));
  await until(() => seen.length === 1, 'the first');
  await sleep(10);
  inside = true;
  connection.resume();
  inside = false;
  await until(() => seen.length === 3, 'the others');
  expect(seen).toEqual([false, false, false]);
});

it('survives being switched on and off at random', async () => {
  const { client, connection } = await pair({ codec: 'json' });
  const total = 5000;
  const seen: number[] = [];
  connection.on('message', (message) => {
    seen.push(message);
    const dice = Math.random();
    if (dice < 0.02) {
      connection.pause();
      setTimeout(() => connection.resume(), dice * 100);
    } else if (dice < 0.04) {
      connection.pause();
      connection.resume();
    }
  });
  for (let i = 0; i < total; i += 1) if (client.send(i) === 'backpressure') await client.drained();
  await until(() => seen.length === total, 'all messages');
  expect(seen).toEqual(Array.from({ length: total }, (_, i) => i));
});

it('makes the peer wait', async () => {
  const { connection, peer } = await rawPair();
  connection.on('message', () => {});
  connection.pause();
  for (let i = 0; i < 500; i += 1) peer.send(Buffer.alloc(65_536));
  await sleep(200);
  expect(peer.socket.writableLength).toBeGreaterThan(1 << 20);
  connection.resume();
  await until(() => peer.socket.writableLength === 0, 'everything');
});

it('delivers what was held before the close', async () => {
  const { connection, peer } = await rawPair({ codec: 'text' });
  const order: string[] = [];
  connection.on('close', () => order.push('close'));
  connection.on('message', (message) => {
    order.push(message);
    if (message === 'a') connection.pause();
  });
  peer.write(Buffer.concat([peer.pack('a'), peer.pack('b'), peer.pack('c')]));
  peer.end();
  await until(() => order.length > 0, 'the first');
  await sleep(50);
  expect(order).toEqual(['a']);
  connection.resume();
  await until(() => order.includes('close'), 'the close');
  expect(order).toEqual(['a', 'b', 'c', 'close']);
});

it('drops what is held when we close ourselves', async () => {
  const { connection, peer } = await rawPair({ codec: 'text' });
  let seen = 0;
  connection.on('message', () => {
    seen += 1;
    connection.pause();
  });
  peer.write(Buffer.concat([peer.pack('a'), peer.pack('b')]));
  await until(() => seen === 1, 'the first');
  const closed = next(connection, 'close');
  void connection.close();
  connection.resume();
  await peer.ended();
  peer.end();
  expect((await closed)[2]).toBe(true);
  expect(seen).toBe(1);
});

it('closes when told to although messages wait in front of a fault', async () => {
  const { server, connection, peer } = await rawPair({ codec: 'text' });
  connection.on('message', () => connection.pause());
  peer.write(Buffer.concat([peer.pack('a'), peer.pack('b'), peer.pack('cut').subarray(0, 5)]));
  peer.end();
  await sleep(50);
  expect(connection.state).toBe('open');
  await connection.close();
  expect(server.getConnectionCount()).toBe(0);
});
