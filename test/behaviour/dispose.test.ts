/** Everything can be given back by `await using`. */
import { listen, connect } from 'qwormhole';
import { expect, it } from 'vitest';
import { ANYWHERE } from '../support/scene.js';
import { next } from '../support/wait.js';

it('closes servers, clients and connections', async () => {
  let outside;
  {
    await using server = await listen(ANYWHERE, { codec: 'text' });
    const arrived = next(server, 'connection');
    await using client = await connect(server.addresses[0], { codec: 'text', reconnect: false });
    const [connection] = await arrived;
    outside = { server, client, connection };
    {
      await using inner = connection;
      expect(inner.state).toBe('open');
    }
    expect(connection.state).toBe('closed');
  }
  expect(outside.client.state).toBe('closed');
  expect(outside.server.ready).toBe(false);
});
