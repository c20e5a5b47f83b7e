/** `concurrency` bounds the handlers at work and pauses the connection; messages are begun in order. */
import { expect, it } from 'vitest';
import { pair, rawPair } from '../support/scene.js';
import { sleep, until } from '../support/wait.js';

const TOTAL = 60;

/** Sends so many numbers at once. */
function sendAll(peer: { write(bytes: Buffer): void; pack(text: string): Buffer }): void {
  peer.write(Buffer.concat(Array.from({ length: TOTAL }, (_, index) => peer.pack(String(index)))));
}

const numbers = Array.from({ length: TOTAL }, (_, index) => String(index));

/** A handler that takes its time, and what it has seen. */
function slowHandler(ms: (message: string) => number) {
  const seen = { begun: [] as string[], running: 0, most: 0, done: 0 };
  const handler = async (message: string): Promise<void> => {
    seen.begun.push(message);
    seen.running += 1;
    seen.most = Math.max(seen.most, seen.running);
    await sleep(ms(message));
    seen.running -= 1;
    seen.done += 1;
  };
  return { seen, handler };
}

it.each([1, 4])('has at most %d handlers at work', async (concurrency) => {
  const { connection, peer } = await rawPair({ codec: 'text', concurrency });
  const { seen, handler } = slowHandler((message) => Number(message) % 4);
  connection.on('message', handler);
  sendAll(peer);
  await until(() => seen.done === TOTAL, 'all messages');
  expect(seen.most).toBe(concurrency);
  expect(seen.begun).toEqual(numbers);
});

it('counts the handlers of the server, each connection by itself', async () => {
  const { server, peer } = await rawPair({ codec: 'text', concurrency: 3 });
  const { seen, handler } = slowHandler(() => 2);
  server.on('message', handler);
  sendAll(peer);
  await until(() => seen.done === TOTAL, 'all messages');
  expect(seen.most).toBe(3);
  expect(seen.begun).toEqual(numbers);
});

it('goes on behind a handler that fails', async () => {
  const { server, connection, peer } = await rawPair({ codec: 'text', concurrency: 1 });
  const failures: unknown[] = [];
  server.on('handlerError', (error) => failures.push(error));
  const begun: string[] = [];
  connection.on('message', (message: string) => {
    begun.push(message);
    if (message === '1') throw new Error('at once');
    return message === '3' ? Promise.reject(new Error('later')) : sleep(1);
  });
  sendAll(peer);
  await until(() => begun.length === TOTAL, 'all messages');
  expect(begun).toEqual(numbers);
  expect(failures.map((error) => (error as Error).message)).toEqual(['at once', 'later']);
});

it('begins what is only begun when it is waited for once', async () => {
  const { connection, peer } = await rawPair({ codec: 'text', concurrency: 1 });
  let begun = 0;
  connection.on('message', () => ({
    // eslint-disable-next-line unicorn/no-thenable
    then(resolve: () => void) {
      begun += 1;
      resolve();
    },
  }));
  sendAll(peer);
  await until(() => begun === TOTAL, 'all messages');
  await sleep(10);
  expect(begun).toBe(TOTAL);
});

it('bounds nothing for handlers that return no promise', async () => {
  const { connection, peer } = await rawPair({ codec: 'text', concurrency: 1 });
  const begun: string[] = [];
  connection.on('message', (message: string) => begun.push(message));
  sendAll(peer);
  await until(() => begun.length === TOTAL, 'all messages');
  expect(begun).toEqual(numbers);
});

it('holds the peer up, and a pause on top of it holds', async () => {
  const { client, connection } = await pair({ codec: 'text', concurrency: 2 });
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const begun: string[] = [];
  connection.on('message', async (message: string) => {
    begun.push(message);
    await gate;
  });
  for (const number of numbers) client.send(number);
  await until(() => begun.length === 2, 'the first two');
  await sleep(30);
  expect(begun.length).toBe(2);
  connection.pause();
  release();
  await sleep(30);
  expect(begun.length).toBe(2);
  connection.resume();
  await until(() => begun.length === TOTAL, 'the rest');
  expect(begun).toEqual(numbers);
});
