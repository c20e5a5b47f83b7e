/** Options of one message: those that do not exist are told of, as those of servers and clients are. */
import { expect, it } from 'vitest';
import { pair } from '../support/scene.js';
import { failure, next } from '../support/wait.js';

it('does not know options that send does not have', async () => {
  const { client, connection } = await pair({ codec: 'text' });
  const misspelt = await failure(() => client.send('x', { clas: 'high' } as object));
  expect(misspelt).toMatchObject({
    code: 'ERR_QW_OPTION_UNKNOWN',
    details: { option: 'clas', suggestion: 'class' },
  });
  expect(misspelt.message).toContain('Option clas of a message does not exist: did you mean class?');
  const foreign = await failure(() => client.send('x', { compress: true } as object));
  expect(foreign.message).toContain('there are class, text, key.');
  // As an argument of its own it would be nothing.
  expect((await failure(() => client.send('x', 'high' as never))).code).toBe('ERR_QW_OPTION_UNKNOWN');
  const arrived = next(connection, 'message');
  client.send('y', { class: 'high', key: 'k', text: undefined });
  expect(await arrived).toEqual(['y']);
  expect(client.stats().accepted.messages).toBe(1);
});

it('does not know options that broadcast and publish do not have', async () => {
  const { server, client, connection } = await pair({ codec: 'text' });
  server.getConnection(connection.id)!.subscribe('news');
  const misspelt = { exept: connection } as object;
  for (const action of [() => server.broadcast('x', misspelt), () => server.publish('news', 'x', misspelt)])
    expect(await failure(action)).toMatchObject({
      code: 'ERR_QW_OPTION_UNKNOWN',
      details: { suggestion: 'except' },
    });
  const arrived = next(client, 'message');
  server.publish('news', 'y', { class: 'low', overflow: 'drop-oldest', key: 'k' });
  expect(await arrived).toEqual(['y']);
});
