/** What an attempt to connect goes by: several endpoints, several addresses, and options that are asked each time. */
import { connect, createQWormholeClient, type ConnectAttempt } from 'qwormhole';
import { expect, it } from 'vitest';
import { blackHole } from '../support/black-hole.js';
import { freePort } from '../support/ports.js';
import { ANYWHERE, CARRIER, IS_SECURE, IS_TCP, SPEAKING, call, cleanUp, serve } from '../support/scene.js';
import { awake, failure, until } from '../support/wait.js';

const fast = { reconnect: { baseMs: 5, capMs: 50 } };

/** A port nobody listens on, in a URL of this carrier. */
async function refusing(): Promise<string> {
  return `${CARRIER}://127.0.0.1:${await freePort()}`;
}

async function unanswered(): Promise<string> {
  return (await blackHole()).replace('tcp:', `${CARRIER}:`);
}

it('reaches the third endpoint within a second: the first does not answer, the second refuses', async () => {
  const server = await serve();
  const endpoints = [await unanswered(), await refusing(), server.addresses[0]];
  const took = awake();
  const client = await connect(endpoints, SPEAKING);
  cleanUp(() => client.close());
  expect(took()).toBeLessThan(1000);
  expect(client.remotePort).toBe(Number(new URL(server.addresses[0]).port));
});

it('keeps to the first endpoint while that answers', async () => {
  const [first, second] = [await serve(), await serve()];
  const client = await connect([first.addresses[0], second.addresses[0]], SPEAKING);
  cleanUp(() => client.close());
  await until(() => first.getConnectionCount() === 1, 'the client');
  expect(second.stats().connectionsAccepted).toBe(0);
});

it('calls the endpoint that was lost last the next time', async () => {
  const [first, second] = [await serve(), await serve()];
  const client = await connect([first.addresses[0], second.addresses[0]], { ...SPEAKING, ...fast });
  cleanUp(() => client.close());
  client.on('error', () => {});
  await until(() => first.getConnectionCount() === 1, 'the client');
  for (const connection of first) connection.terminate();
  await until(() => second.getConnectionCount() === 1, 'the client at the second');
  expect(first.stats().connectionsAccepted).toBe(1);
});

it('tells why the last one failed when none is reached, and keeps the time', async () => {
  const [gone, closed, silent] = [await refusing(), await refusing(), await unanswered()];
  expect((await failure(() => connect([gone, closed]))).code).toBe('ERR_QW_CONNECT_REFUSED');
  const began = performance.now();
  const error = await failure(() => connect([silent, gone], { connectTimeoutMs: 1500 }));
  expect(performance.now() - began).toBeLessThan(5000);
  expect(error).toMatchObject({
    code: 'ERR_QW_CONNECT_TIMEOUT',
    details: { timeoutMs: 1500, what: new URL(silent).host },
  });
});

it('asks for its endpoints before each attempt, with its number', async () => {
  const [first, second] = [await serve(), await serve()];
  const numbers: number[] = [];
  const client = await connect(
    async ({ number }: ConnectAttempt) => {
      numbers.push(number);
      if (number === 1) throw new Error('the directory is away');
      return number === 0 ? first.addresses[0] : [second.addresses[0]];
    },
    { ...SPEAKING, ...fast },
  );
  cleanUp(() => client.close());
  const errors: unknown[] = [];
  client.on('error', () => {});
  client.on('reconnecting', (_attempt, _delay, error) => error && errors.push(error));
  await until(() => first.getConnectionCount() === 1, 'the client');
  expect(client.carrier).toBe(CARRIER);
  for (const connection of first) connection.terminate();
  await until(() => second.getConnectionCount() === 1, 'the client at the second');
  expect(numbers).toEqual([0, 1, 2]);
  expect(errors).toMatchObject([
    {
      code: 'ERR_QW_OPTION_FAILED',
      details: { option: 'endpoints' },
      cause: { message: 'the directory is away' },
    },
  ]);
});

it('refuses what such a function gives that is no endpoint', async () => {
  for (const given of ['nonsense', undefined, []] as never[])
    expect((await failure(() => connect(() => given))).code).toMatch(/^ERR_QW_(ENDPOINT|OPTION)_INVALID$/);
});

it('gives the functions no more time than the attempt has', async () => {
  const error = await failure(() => connect(() => new Promise(() => {}), { connectTimeoutMs: 100 }));
  expect(error.code).toBe('ERR_QW_CONNECT_TIMEOUT');
  const { client } = createQWormholeClient({ endpoints: () => new Promise<string>(() => {}) });
  const connecting = failure(() => client.connect());
  await client.close();
  expect((await connecting).code).toBe('ERR_QW_CLOSED');
});

it.skipIf(IS_TCP)('asks for its headers before each attempt', async () => {
  const seen: (string | undefined)[] = [];
  const server = await serve({
    authorize: ({ headers }: { headers: Record<string, string> }) => void seen.push(headers.authorization),
  });
  const headers = ({ number }: ConnectAttempt) => ({ Authorization: `token ${number}` });
  await call(server, { ...fast, headers });
  await until(() => server.getConnectionCount() === 1, 'the client');
  for (const connection of server) connection.terminate();
  await until(() => seen.length === 2, 'the second attempt');
  expect(seen).toEqual(['token 0', 'token 1']);
  const secret = () => ({ Authorization: 'a\nb' });
  const error = await failure(() => connect(server.addresses[0], { headers: secret }));
  expect(error.code).toBe('ERR_QW_OPTION_INVALID');
});

it.skipIf(!IS_SECURE)('asks for its TLS before each attempt', async () => {
  const server = await serve();
  const numbers: number[] = [];
  const settings = { servername: 'localhost' };
  const tls = ({ number }: ConnectAttempt) => (numbers.push(number), settings);
  await call(server, { ...fast, tls });
  await until(() => server.getConnectionCount() === 1, 'the client');
  for (const connection of server) connection.terminate();
  await until(() => numbers.length === 2 && server.getConnectionCount() === 1, 'the second attempt');
  const nothing = () => undefined as never;
  expect((await failure(() => connect(server.addresses[0], { tls: nothing }))).code).toBe(
    'ERR_QW_OPTION_INVALID',
  );
  const wrong = () => ({ nonsense: 1 }) as never;
  expect((await failure(() => connect(server.addresses[0], { tls: wrong }))).code).toBe(
    'ERR_QW_OPTION_UNKNOWN',
  );
});

it('takes both families of a name', async () => {
  const server = await serve({}, ANYWHERE);
  const { port } = new URL(server.addresses[0]);
  const client = await call(`${CARRIER}://localhost:${port}`, { connectTimeoutMs: 5000 });
  expect(client.state).toBe('open');
});
