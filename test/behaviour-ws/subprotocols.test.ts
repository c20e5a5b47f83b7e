import { expect, it } from 'vitest';
import { call, serve } from '../support/scene.js';
import { failure } from '../support/wait.js';

const WS = 'ws://127.0.0.1:0/';

it('are chosen in the order of the server', async () => {
  const server = await serve({ subprotocols: ['c', 'b', 'a'] }, WS);
  const client = await call(server, { subprotocols: ['a', 'b'] });
  expect(client.subprotocol).toBe('b');
});

it('are none where none is spoken by both, or none was offered', async () => {
  const server = await serve({ subprotocols: ['c'] }, WS);
  expect((await call(server)).subprotocol).toBe('');
  const error = await failure(() => call(server, { subprotocols: ['a'], reconnect: false }));
  expect(error.code).toBe('ERR_QW_HANDSHAKE');
});

it('are chosen by a function where there is one', async () => {
  const server = await serve({ subprotocols: (offered) => offered.at(-1) }, WS);
  expect((await call(server, { subprotocols: ['a', 'b'] })).subprotocol).toBe('b');
});
