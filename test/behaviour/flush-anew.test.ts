/** What is flushed by hand has had its interval: what comes next waits for a whole one. */
import { expect, it } from 'vitest';
import { pair } from '../support/scene.js';
import { next, sleep } from '../support/wait.js';

const INTERVAL_MS = 600;

it('begins a new interval behind an explicit flush', async () => {
  const { client, connection } = await pair({}, { flushIntervalMs: INTERVAL_MS });
  connection.on('message', () => {});
  // To begin to read is handed over at the end of the tick, and takes along what waits.
  await sleep(1);
  const flushed = next(connection, 'message');
  client.send('flushed');
  await sleep(INTERVAL_MS / 2);
  client.flush();
  await flushed;
  const came = next(connection, 'message');
  const began = performance.now();
  client.send('behind it');
  await came;
  expect(performance.now() - began).toBeGreaterThan(INTERVAL_MS * 0.9);
});
