/** Endpoints race until one of them answers, and not while it decides. */
import { connect } from 'qwormhole';
import { expect, it } from 'vitest';
import { cleanUp, serve } from '../support/scene.js';
import { sleep, until } from '../support/wait.js';

/** Longer than the moment that an endpoint has for itself. */
const VERDICT_MS = 700;

it('calls no other endpoint while the first one decides', async () => {
  const asked: string[] = [];
  const deciding = async (name: string) =>
    serve({
      verifyHandshake: async () => {
        asked.push(name);
        await sleep(VERDICT_MS);
        return name !== 'refuses';
      },
    });
  const [refuses, accepts, idle] = [await deciding('refuses'), await deciding('accepts'), await deciding('')];
  const endpoints = [refuses, accepts, idle].map(({ addresses }) => addresses[0]);
  const client = await connect(endpoints, { reconnect: false });
  cleanUp(() => client.close());
  expect(asked).toEqual(['refuses', 'accepts']);
  await until(() => accepts.getConnectionCount() === 1, 'its connection');
});
