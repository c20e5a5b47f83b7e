/**
 * Between the batches that one wake of the JavaScript thread brings, ticks and promise jobs have their turn, and what
 * is measured of one batch has nothing of those before. It was once so that a wake went on as long as answers came.
 */
import { expect, it } from 'vitest';
import { pair } from '../support/scene.js';
import { until } from '../support/wait.js';

/** Most events of a batch. */
const BATCH = 1024;

it('runs ticks and promise jobs between batches', async () => {
  const { client, connection } = await pair({ preferNative: true }, { preferNative: true });
  connection.on('message', (message) => void connection.send(message));
  const longest = { tick: 0, job: 0 };
  const run = { tick: 0, job: 0 };
  const end = (name: 'tick' | 'job') => (): void => {
    longest[name] = Math.max(longest[name], run[name]);
    run[name] = 0;
  };
  let received = 0;
  client.on('message', () => {
    received += 1;
    if (run.tick++ === 0) process.nextTick(end('tick'));
    if (run.job++ === 0) queueMicrotask(end('job'));
    // In lockstep: one message is one batch.
    if (received < 3 * BATCH) client.send('x');
  });
  client.send('x');
  await until(() => received === 3 * BATCH, 'all of them');
  expect(longest).toEqual({ tick: 1, job: 1 });
});

it('measures from receiving to the listener batch by batch', async () => {
  const { client, connection } = await pair({ preferNative: true }, { preferNative: true, profiling: true });
  connection.on('message', (message) => void connection.send(message));
  let received = 0;
  client.on('message', () => {
    received += 1;
    if (received < 5000) client.send('x');
  });
  client.send('x');
  await until(() => received === 5000, 'all of them');
  const { receiveToHandler } = client.telemetry().latency!;
  expect(receiveToHandler.count).toBe(5000);
  expect(receiveToHandler.p50Ms).toBeLessThan(1);
});
