/** What a paused connection holds is its messages: not the memory that they came in, which others share. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'vitest';
import { frame } from '../support/frames.js';
import { RawPeer } from '../support/raw-peer.js';
import { cleanUp, serve } from '../support/scene.js';
import { until } from '../support/wait.js';

const PAUSED = 300;
/** Each paused connection's messages lie in a slab of their own: so much comes between them, bytes. */
const BETWEEN = 256 * 1024;
const BLOCK = 64 * 1024;
/** Far below a slab for each. */
const LIMIT = 8 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('hundreds of paused connections pin no slabs', async () => {
  const server = await serve();
  let flooded = 0;
  const paused = new Set<unknown>();
  server.on('message', (message, connection) => {
    if (message.length >= BLOCK) return void (flooded += message.length);
    connection.pause();
    paused.add(connection);
  });
  const call = async (): Promise<RawPeer> => {
    const peer = await RawPeer.connect(server.addresses[0]);
    cleanUp(() => peer.destroy());
    return peer;
  };
  const flood = await call();
  const before = process.memoryUsage().external;
  for (let count = 1; count <= PAUSED; count += 1) {
    (await call()).write(Buffer.concat([frame('pause'), frame('held')]));
    await until(() => paused.size === count, 'the pause');
    for (let sent = 0; sent < BETWEEN; sent += BLOCK) flood.send(Buffer.alloc(BLOCK));
    await until(() => flooded === count * BETWEEN, 'what comes between');
  }
  await until(() => {
    collectGarbage();
    return process.memoryUsage().external - before < LIMIT;
  }, 'little memory');
});
