/** Who speaks another protocol is turned away by its first bytes, whether anybody listens for messages or not. */
import { expect } from 'vitest';
import { CloseCode, connect } from 'qwormhole';
import { failure, next } from '../support/wait.js';
import { ANYWHERE, onTcp, rawPair, serve } from '../support/scene.js';

onTcp('a client of qwh learns at once that a server has no handshake', async () => {
  const server = await serve({ handshake: 'off' });
  const began = performance.now();
  const error = await failure(() =>
    connect(server.addresses[0], { reconnect: false, connectTimeoutMs: 10_000 }),
  );
  expect(error.code).toBe('ERR_QW_HANDSHAKE');
  expect(performance.now() - began).toBeLessThan(5000);
  expect(server.errors.map(({ code }: { code: string }) => code)).toEqual(['ERR_QW_TOO_BIG']);
});

onTcp('a length that is too long is seen while nothing is to be delivered', async () => {
  const { server, peer, connection } = await rawPair({ maxMessage: 1000 }, ANYWHERE);
  const received = next(connection, 'message');
  peer.send(Buffer.alloc(10));
  await received;
  connection.pause();
  const closed = next(connection, 'close');
  peer.write(Buffer.from([0, 0, 4, 0]));
  expect((await closed)[0]).toBe(CloseCode.too_big);
  expect(server.errors.map(({ code }: { code: string }) => code)).toEqual(['ERR_QW_TOO_BIG']);
});
