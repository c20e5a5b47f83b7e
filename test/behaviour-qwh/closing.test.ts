/** Handshakes of qwh that are under way when their server closes. */
import { CloseCode, connect } from 'qwormhole';
import { expect, it } from 'vitest';
import { serve } from '../support/scene.js';
import { failure, until } from '../support/wait.js';

it('tells those who wait for their verdict that the server goes, and heeds no verdict from then on', async () => {
  const verdicts: (() => void)[] = [];
  const aborted: boolean[] = [];
  const server = await serve({
    verifyHandshake: ({ signal }) => {
      signal.addEventListener('abort', () => aborted.push(true));
      return new Promise<void>((resolve) => verdicts.push(resolve));
    },
  });
  let admitted = 0;
  server.on('connection', () => (admitted += 1));
  const calls = [1, 2].map(() =>
    failure(() => connect(server.addresses[0], { reconnect: false, connectTimeoutMs: 8000 })),
  );
  await until(() => verdicts.length === 2, 'both questions');
  const startedAt = performance.now();
  await server.close();
  await until(() => aborted.length === 2, 'the signals');
  for (const accept of verdicts) accept();
  for (const error of await Promise.all(calls))
    expect(error).toMatchObject({ code: 'ERR_QW_HANDSHAKE_REFUSED', closeCode: CloseCode.shutdown });
  expect(performance.now() - startedAt).toBeLessThan(3000);
  expect(admitted).toBe(0);
});
