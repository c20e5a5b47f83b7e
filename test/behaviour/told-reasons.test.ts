/** Who is turned away for what it sends is told why. */
import { expect, it } from 'vitest';
import { CloseCode } from 'qwormhole';
import { pair } from '../support/scene.js';
import { next } from '../support/wait.js';

it('tells a peer that exceeds a hard rate', async () => {
  const inboundRate = { messagesPerSecond: 1, burstMessages: 2, hard: true };
  const { client, connection } = await pair({ inboundRate }, { reconnect: false });
  connection.on('message', () => {});
  const closed = next(client, 'close');
  for (let n = 0; n < 5; n += 1) client.send('x');
  const [code, reason] = await closed;
  expect([code, reason]).toEqual([CloseCode.rate_limited, 'the peer sends more than its rate allows']);
});
