import { once } from 'node:events';
import { expect, it } from 'vitest';
import { call } from '../support/scene.js';
import { backends, Program } from './program.js';

const ANSWERS = ['2 + 3 = 5', 'after 50 ms', 'after 200 ms', 'refused: this one always fails', ''];

it.each(backends)('rpc calls methods, QWORMHOLE_NATIVE=%s', async (backend) => {
  const server = new Program(backend, 'rpc/server.mjs', 'tcp://127.0.0.1:0');
  const address = await server.address();
  expect(await new Program(backend, 'rpc/client.mjs', address).output()).toBe(ANSWERS.join('\n'));
  await server.stop();
});

it.each(backends)('rpc answers what is no call by an error, QWORMHOLE_NATIVE=%s', async (backend) => {
  const server = new Program(backend, 'rpc/server.mjs', 'tcp://127.0.0.1:0');
  const client = await call(await server.address(), { codec: 'json', forceTs: true });
  const strange = [null, [], 'add', { id: 1, method: 'constructor' }, { id: 2, method: 'add', params: 3 }];
  for (const message of strange) {
    const answer = once(client, 'message');
    client.send(message);
    expect((await answer)[0]).toMatchObject({ error: expect.any(String) });
  }
  await client.close();
  await server.stop();
});
