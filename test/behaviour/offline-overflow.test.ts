/** A client without a connection: what has no room in its queue, by policy; and the books are balanced. */
import { createQWormholeClient, type ClientOptions, type ClientStats } from 'qwormhole';
import { expect, it } from 'vitest';
import { IS_QWH, SPEAKING, cleanUp, serve } from '../support/scene.js';
import { until } from '../support/wait.js';

/** A client that has not called yet, and its server's list of what comes. */
async function apart(options: Partial<ClientOptions<'text'>>, serverOptions = {}) {
  const server = await serve({ codec: 'text', ...serverOptions });
  const received: string[] = [];
  server.on('message', (message) => received.push(String(message)));
  const { client } = createQWormholeClient<'text'>({
    endpoints: server.addresses[0],
    codec: 'text',
    ...SPEAKING,
    ...options,
  } as ClientOptions<'text'>);
  cleanUp(() => client.close());
  return { server, client, received };
}

/** What was accepted is written, waits, or was lost. */
function balanced(client: { stats(): ClientStats }): void {
  const now = client.stats();
  const { accepted, messagesWritten, bufferedMessages, messagesDiscarded } = now;
  expect(accepted.messages).toBe(messagesWritten + bufferedMessages + messagesDiscarded);
  expect(accepted.bytes).toBe(now.bytesWritten + now.bufferedAmount + now.bytesDiscarded);
}

it('conflate keeps the latest of each key', async () => {
  const { client, received } = await apart({ overflow: 'conflate' });
  for (const text of ['a1', 'b1', 'a2', 'a3'])
    expect(client.send(text, { key: text[0] })).toBe('backpressure');
  client.send('unkeyed');
  expect(client.stats()).toMatchObject({ bufferedMessages: 3, messagesDiscarded: 2 });
  expect(client.stats().dropped.conflated).toEqual({ messages: 2, bytes: 4 });
  balanced(client);
  await client.connect();
  await until(() => received.length === 3, 'what was kept');
  expect(received).toEqual(['b1', 'a3', 'unkeyed']);
  await client.flushed();
  balanced(client);
});

it('drop-oldest keeps the newest, and nothing urgent makes room for what is not', async () => {
  const { client, received } = await apart({ overflow: 'drop-oldest', offlineQueue: { maxBytes: 64 } });
  const text = (name: string) => name.padEnd(16, '.');
  client.send(text('urgent'), { class: 'high' });
  for (const name of ['one', 'two', 'three', 'four', 'five']) client.send(text(name));
  expect(client.stats().dropped.displaced).toEqual({ messages: 2, bytes: 32 });
  expect(client.send('x'.repeat(65))).toBe('dropped');
  expect(client.stats().dropped['queue-full']).toEqual({ messages: 1, bytes: 65 });
  balanced(client);
  await client.connect();
  await until(() => received.length === 4, 'what was kept');
  expect(received).toEqual(['urgent', 'three', 'four', 'five'].map(text));
});

it('drop-newest refuses what has no room', async () => {
  const { client, received } = await apart({ offlineQueue: { maxBytes: 32 } });
  const answers = ['one', 'two', 'three'].map((name) => client.send(name, { key: 'same' }));
  expect(answers).toEqual(['backpressure', 'backpressure', 'dropped']);
  await client.connect();
  await until(() => received.length === 2, 'what was kept');
  expect(received).toEqual(['one', 'two']);
});

it('is told of what was displaced, one run at a time', async () => {
  const { client } = await apart({ overflow: 'drop-oldest', offlineQueue: { maxBytes: 16 } });
  const runs: object[] = [];
  client.on('dropped', (run) => runs.push(run));
  for (let count = 0; count < 4; count += 1) client.send('x'.repeat(16));
  await client.connect();
  await until(() => runs.length > 0, 'the run');
  expect(runs).toEqual([{ reason: 'displaced', count: 3, bytes: 48 }]);
});

it.skipIf(!IS_QWH)('counts what the peer turns out not to take', async () => {
  const { client, received } = await apart({}, { maxMessage: 100 });
  client.send('x'.repeat(200));
  client.send('small');
  await client.connect();
  await until(() => received.length === 1, 'what the peer takes');
  await client.flushed();
  expect(client.stats()).toMatchObject({ messagesDiscarded: 1, bytesDiscarded: 200, messagesWritten: 1 });
  expect(client.stats().dropped['too-big']).toEqual({ messages: 1, bytes: 200 });
  balanced(client);
});
