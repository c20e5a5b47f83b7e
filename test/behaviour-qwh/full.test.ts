/** A server that is full, or becomes so while it decides. */
import { CloseCode } from 'qwormhole';
import { expect } from 'vitest';
import { call, onTcp, serve } from '../support/scene.js';
import { failure, next, until } from '../support/wait.js';

onTcp('tells who finds no room so, asks nobody about it, and counts it', async () => {
  let asked = 0;
  const server = await serve({ maxConnections: 1, verifyHandshake: () => void (asked += 1) });
  const first = await call(server, { reconnect: false });
  await until(() => server.getConnectionCount() === 1, 'the first');
  const error = await failure(() => call(server, { reconnect: false }));
  expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE_REFUSED', closeCode: CloseCode.busy });
  // The client may have read the answer before the server's JavaScript is told of it.
  await until(() => server.stats().qwhHandshakes.refused === 1, 'the count');
  expect(asked).toBe(1);
  expect(server.stats()).toMatchObject({
    connections: 1,
    connectionsAccepted: 1,
    connectionsRefused: 1,
    qwhHandshakes: { accepted: 1, failed: 0 },
  });
  const gone = next(server, 'clientClosed');
  await first.close();
  await gone;
  await call(server, { reconnect: false });
});

onTcp('tells it too who finds none any more when the verdict comes', async () => {
  const verdicts: (() => void)[] = [];
  const server = await serve({
    maxConnections: 1,
    verifyHandshake: () => new Promise<void>((resolve) => verdicts.push(resolve)),
  });
  const calls = [1, 2].map(() => call(server, { reconnect: false }).then(() => 'in', String));
  await until(() => verdicts.length === 2, 'both');
  verdicts[0]();
  await until(() => server.getConnectionCount() === 1, 'the first');
  verdicts[1]();
  const results = await Promise.all(calls);
  expect(results.filter((result) => result === 'in')).toHaveLength(1);
  expect(results.find((result) => result !== 'in')).toMatch(/code 21/);
  await until(() => server.stats().qwhHandshakes.refused === 1, 'the count');
  expect(server.stats().qwhHandshakes).toEqual({ accepted: 1, refused: 1, failed: 0 });
});
