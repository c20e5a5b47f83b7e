/** A handler that fails harms neither the messages that came with its own, nor the other handlers. */
import { afterEach, expect, it } from 'vitest';
import { pair, serve, call } from '../support/scene.js';
import { next, until } from '../support/wait.js';

const uncaught: unknown[] = [];
const unhandled: unknown[] = [];
type Handler = (error: unknown) => void;

/** Takes over what would end the process; vitest listens for it too. */
function catchAll(): void {
  for (const [event, into] of [
    ['uncaughtException', uncaught],
    ['unhandledRejection', unhandled],
  ] as const) {
    const others = process.rawListeners(event) as Handler[];
    process.removeAllListeners(event);
    process.on(event, (error: unknown) => into.push(error));
    restores.push(() => {
      process.removeAllListeners(event);
      for (const listener of others) process.on(event as 'uncaughtException', listener);
    });
  }
}
const restores: (() => void)[] = [];
afterEach(() => {
  for (const restore of restores.splice(0)) restore();
  uncaught.length = unhandled.length = 0;
});

const numbers = Array.from({ length: 20 }, (_, i) => i);

it.each(['sync', 'async'])('reports a %s failure and goes on', async (kind) => {
  const { server, client, connection } = await pair({ codec: 'json' });
  const seen: number[] = [];
  const failures: unknown[][] = [];
  server.on('handlerError', (...values) => failures.push(values));
  const fail = (message: number): void => {
    seen.push(message);
    if (message % 5 === 0) throw new Error(`no ${message}`);
  };
  server.on('message', kind === 'sync' ? fail : async (message: number) => fail(message));
  for (const number of numbers) client.send(number);
  await until(() => seen.length === 20 && failures.length === 4, 'all messages and failures');
  expect(seen).toEqual(numbers);
  expect(failures.map(([error]) => (error as Error).message)).toEqual(['no 0', 'no 5', 'no 10', 'no 15']);
  expect(failures.every(([, from]) => from === undefined || from === connection)).toBe(true);
});

it('names the connection whose own handler failed', async () => {
  const { server, client, connection } = await pair();
  const failed = next(server, 'handlerError');
  connection.on('message', () => {
    throw new Error('own');
  });
  client.send('x');
  const [error, from] = await failed;
  expect([error.message, from]).toEqual(['own', connection]);
});

it('is reported by a client about itself', async () => {
  const { client, connection } = await pair();
  const failed = next(client, 'handlerError');
  client.on('message', async () => Promise.reject(new Error('client')));
  connection.send('x');
  expect((await failed)[0].message).toBe('client');
});

it('calls the other listeners all the same', async () => {
  const { server, client } = await pair({ codec: 'text' });
  server.on('handlerError', () => {});
  const seen: string[] = [];
  server.on('message', () => {
    throw new Error('first');
  });
  server.on('message', (message) => seen.push(message));
  client.send('for both');
  await until(() => seen.length === 1, 'the second listener');
});

it('covers the other events too', async () => {
  const server = await serve();
  const failures: string[] = [];
  server.on('handlerError', (error) => failures.push((error as Error).message));
  const fail = (what: string) => (): never => {
    throw new Error(what);
  };
  server.on('connection', fail('connection'));
  server.on('clientClosed', fail('clientClosed'));
  server.on('draining', fail('draining'));
  server.on('close', fail('close'));
  const client = await call(server);
  await until(() => failures.length === 1, 'the connection');
  await client.close();
  await until(() => failures.length === 2, 'its close');
  await server.close();
  expect(failures).toEqual(['connection', 'clientClosed', 'draining', 'close']);
});

it('is rethrown as an uncaught exception when nobody listens, and the batch goes on', async () => {
  catchAll();
  const { server, client } = await pair({ codec: 'json' });
  const seen: number[] = [];
  server.on('message', (message) => {
    seen.push(message);
    if (message === 1) throw new Error('uncaught');
  });
  for (const number of numbers) client.send(number);
  await until(() => seen.length === 20 && uncaught.length === 1, 'all of it');
  expect(uncaught.map((error) => (error as Error).message)).toEqual(['uncaught']);
  expect(unhandled).toEqual([]);
});

it('is rethrown as an unhandled rejection when nobody listens', async () => {
  catchAll();
  const { client, connection } = await pair({ codec: 'json' });
  const reason = new Error('unhandled');
  let seen = 0;
  client.on('message', async () => {
    seen += 1;
    if (seen === 1) throw reason;
  });
  connection.send(1);
  connection.send(2);
  await until(() => seen === 2 && unhandled.length === 1, 'the rejection');
  expect(unhandled).toEqual([reason]);
  expect(uncaught).toEqual([]);
});

it('does not ask a failing handlerError listener about itself', async () => {
  catchAll();
  const { server, client } = await pair();
  server.on('handlerError', () => {
    throw new Error('in the reporter');
  });
  server.on('message', () => {
    throw new Error('in the handler');
  });
  client.send('x');
  await until(() => uncaught.length === 1, 'one exception');
  expect((uncaught[0] as Error).message).toBe('in the reporter');
});

it('tells of errors before the close they cause, once', async () => {
  const { client, connection } = await pair();
  const order: string[] = [];
  connection.on('error', () => order.push('error'));
  connection.on('close', () => order.push('close'));
  connection.on('message', () => {});
  client.terminate();
  await until(() => order.includes('close'), 'the close');
  expect(order).toEqual(['error', 'close']);
});
