/** A peer that has ended its side still gets its answers. */
import { expect, it } from 'vitest';
import { rawPair } from '../support/scene.js';
import { next, sleep } from '../support/wait.js';

it('gets answers that are larger than the buffers of the kernel', async () => {
  const { connection, peer } = await rawPair();
  const answer = Buffer.alloc(3 << 20, 5);
  connection.on('message', () => connection.send(answer));
  peer.socket.pause();
  peer.send('give me much');
  peer.end();
  const closed = next(connection, 'close');
  await sleep(50);
  peer.socket.resume();
  await peer.ended();
  expect(peer.messages[0].equals(answer)).toBe(true);
  expect((await closed)[2]).toBe(true);
});

it('is answered by a loop that takes its time', async () => {
  const { connection, peer } = await rawPair({ codec: 'text' });
  const loop = (async () => {
    for await (const message of connection) {
      await sleep(5);
      connection.send(message.toUpperCase());
    }
  })();
  for (const text of ['a', 'b', 'c', 'd']) peer.send(text);
  peer.end();
  await peer.ended();
  await loop;
  expect(peer.messages.map(String)).toEqual(['A', 'B', 'C', 'D']);
});

it('may end before it has said anything', async () => {
  const { connection, peer } = await rawPair();
  const closed = next(connection, 'close');
  peer.end();
  expect(await closed).toEqual([0, '', true]);
  await peer.ended();
});
