/** A server that is busy says when to come back, and is not called before. */
import { createServer } from 'node:http';
import { createQWormholeClient } from 'qwormhole';
import { expect, it } from 'vitest';
import { cleanUp, IS_SECURE } from '../support/scene.js';
import { next } from '../support/wait.js';

it.skipIf(IS_SECURE)('the header Retry-After delays the next attempt, and ours comes on top', async () => {
  const server = createServer().on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await next(server, 'listening');
  cleanUp(() => server.close());
  const { port } = server.address() as { port: number };
  const { client } = createQWormholeClient({
    endpoints: `ws://127.0.0.1:${port}/`,
    reconnect: { initial: true, baseMs: 10, capMs: 10 },
  });
  cleanUp(() => client.close());
  client.connect().catch(() => {});
  const [attempt, delayMs, error] = await next(client, 'reconnecting');
  expect([attempt, error.code]).toEqual([1, 'ERR_QW_UPGRADE_REFUSED']);
  expect(delayMs).toBeGreaterThanOrEqual(2000);
  expect(delayMs).toBeLessThanOrEqual(2010);
});
