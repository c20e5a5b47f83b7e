/** What is sent in one tick is queued on our side: higher classes go first, whatever was said first. */
import { expect, it } from 'vitest';
import { createQWormholeClient } from 'qwormhole';
import { cleanUp, pair, serve, SPEAKING } from '../support/scene.js';
import { collect } from '../support/wait.js';

type Class = 'high' | 'normal' | 'low';

const SENT: readonly Class[] = ['low', 'normal', 'high', 'normal', 'low', 'high'];
const IN_ORDER = 'high 2,high 5,normal 1,normal 3,low 0,low 4'.split(',');

function sendAll(to: { send(message: string, options: { class: Class }): unknown }): void {
  SENT.forEach((name, index) => to.send(`${name} ${index}`, { class: name }));
}

it('of a connection', async () => {
  const { client, connection } = await pair();
  const received = collect(connection, 'message', SENT.length);
  sendAll(client);
  expect((await received).map(String)).toEqual(IN_ORDER);
});

it('of a connection that closes behind it', async () => {
  const { client, connection } = await pair();
  const received = collect(connection, 'message', SENT.length);
  sendAll(client);
  await client.close();
  expect((await received).map(String)).toEqual(IN_ORDER);
});

it('of a client that is not connected yet', async () => {
  const server = await serve();
  const received = collect(server, 'message', SENT.length);
  const { client } = createQWormholeClient({ ...SPEAKING, endpoints: server.addresses[0] });
  cleanUp(() => client.close());
  sendAll(client);
  await client.connect();
  expect((await received).map(String)).toEqual(IN_ORDER);
});
