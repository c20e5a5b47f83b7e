/** Waiting for the queue: resolved by the queue, ended by the connection, given up by a signal. */
import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { clog } from '../support/clog.js';
import { rawPair } from '../support/scene.js';
import { failure, until } from '../support/wait.js';

const bounds = { highWaterMark: 64 * 1024, lowWaterMark: 16 * 1024, maxQueued: 256 * 1024 };

async function stuck() {
  const scene = await rawPair(bounds);
  scene.peer.socket.pause();
  const block = Buffer.alloc(16 * 1024);
  await clog(scene.connection, bounds.maxQueued - block.length, () => scene.connection.send(block));
  return scene;
}

it('resolve at once when there is nothing to wait for', async () => {
  const { connection } = await rawPair();
  await connection.drained();
  await connection.flushed();
});

it('resolve when the peer reads', async () => {
  const { connection, peer } = await stuck();
  const order: string[] = [];
  const both = Promise.all([
    connection.drained().then(() => order.push('drained')),
    connection.flushed().then(() => order.push('flushed')),
  ]);
  peer.socket.resume();
  await both;
  expect(order).toEqual(['drained', 'flushed']);
  expect(connection.bufferedAmount).toBe(0);
});

it('reject when the connection ends first', async () => {
  const { connection } = await stuck();
  const failures = Promise.all([failure(() => connection.drained()), failure(() => connection.flushed())]);
  connection.terminate();
  expect((await failures).map(({ code }) => code)).toEqual(['ERR_QW_CLOSED', 'ERR_QW_CLOSED']);
});

it.each(['drained', 'flushed'] as const)('%s is given up by its signal', async (wait) => {
  const { connection, peer } = await stuck();
  const controller = new AbortController();
  const reason = new Error('too slow');
  const given = failure(() => connection[wait]({ signal: controller.signal }));
  const kept = connection[wait]();
  controller.abort(reason);
  expect(await given).toMatchObject({ code: 'ERR_QW_ABORTED', cause: reason });
  expect(await failure(() => connection[wait]({ signal: controller.signal }))).toMatchObject({
    cause: reason,
  });
  peer.socket.resume();
  await kept;
});

it('leave no listener on a signal', async () => {
  const { connection, peer } = await stuck();
  const { signal } = new AbortController();
  const waits = Array.from({ length: 8 }, () => connection.drained({ signal }));
  expect(getEventListeners(signal, 'abort')).toHaveLength(8);
  peer.socket.resume();
  await Promise.all(waits);
  await connection.flushed({ signal });
  await until(() => getEventListeners(signal, 'abort').length === 0, 'no listeners');
});
