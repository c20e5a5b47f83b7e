/** Peers that stop and go on (SIGSTOP, SIGCONT; a machine that sleeps): both sides draw the right conclusions. */
import { connect, type Connection } from 'qwormhole';
import { expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { call, cleanUp, serve } from '../support/scene.js';
import { next, sleep, until } from '../support/wait.js';

const TIMEOUT_MS = 1000;
const heartbeat = { intervalMs: 250, timeoutMs: TIMEOUT_MS };
/** Bears a peer that stands still for as long as a test takes. */
const patient = { intervalMs: 250, timeoutMs: 60_000 };
/** Long enough for a verdict. */
const LONG_MS = 2 * TIMEOUT_MS;
const reconnect = { baseMs: 20, capMs: 100 };

async function elsewhere(script: string, args: string[]): Promise<Child> {
  const child = new Child(script, args);
  cleanUp(() => child.kill());
  return child;
}

async function serverElsewhere(options: object) {
  const child = await elsewhere('./echo-server.mjs', [JSON.stringify(options)]);
  const { addresses } = (await child.line()) as { addresses: string[] };
  return { child, address: addresses[0] };
}

async function echoes(client: Connection<any>, text: string): Promise<void> {
  const echoed = next(client, 'message');
  client.send(text);
  expect((await echoed)[0]).toBe(text);
}

async function stopFor(child: Child, ms: number): Promise<void> {
  child.process.kill('SIGSTOP');
  await sleep(ms);
  child.process.kill('SIGCONT');
}

it('a server that stops is noticed, and found when it goes on', async () => {
  const { child, address } = await serverElsewhere({ codec: 'text' });
  const client = await call(address, { codec: 'text', heartbeat, reconnect, connectTimeoutMs: 500 });
  await echoes(client, 'before');
  const lost = next(client, 'disconnect');
  const failures: (string | undefined)[] = [];
  client.on('reconnecting', (_attempt, _delayMs, error) => failures.push(error?.code));
  child.process.kill('SIGSTOP');
  expect(await lost).toEqual([8, expect.any(String), false]);
  expect(client.errors[0]).toMatchObject({ code: 'ERR_QW_HEARTBEAT_TIMEOUT', retriable: true });
  // The kernel takes the connection, and nobody answers on it.
  await until(() => failures.length >= 2, 'an attempt in vain');
  expect(failures[1]).toMatch(/^ERR_QW_(CONNECT|HANDSHAKE)_TIMEOUT$/);
  child.process.kill('SIGCONT');
  await until(() => client.state === 'open', 'the server');
  await echoes(client, 'after');
  expect(client.stats().disconnects).toBe(1);
});

it('a server that goes on holds nobody to be dead that could not be heard', async () => {
  const options = { codec: 'text', heartbeat, idleTimeoutMs: TIMEOUT_MS } as const;
  const { child, address } = await serverElsewhere(options);
  const talks = await call(address, { codec: 'text', heartbeat: patient, reconnect: false });
  const silent = await call(address, { codec: 'text', heartbeat: patient, reconnect: false });
  const unwatching = await call(address, { codec: 'text', heartbeat: false, reconnect: false });
  const everybody = [talks, silent, unwatching];
  const heard: string[] = [];
  talks.on('message', (message: string) => heard.push(message));
  let said = 0;
  const talk = (): void => {
    for (const client of everybody) client.send(String(said));
    said += 1;
  };
  const talking = setInterval(talk, 50);
  cleanUp(() => clearInterval(talking));
  await until(() => heard.length > 2, 'echoes');
  for (let round = 0; round < 2; round += 1) {
    await stopFor(child, LONG_MS);
    const before = said;
    await until(() => heard.length > before, 'all that was said meanwhile');
  }
  await sleep(LONG_MS);
  expect(everybody.map(({ state, errors }) => [state, errors])).toEqual(everybody.map(() => ['open', []]));
  expect(heard).toEqual(heard.map((_, index) => String(index)));
}, 40_000);

it('a client that stops is given up alone, and comes back', async () => {
  const server = await serve({ heartbeat });
  const [address] = server.addresses;
  const witness = await call(server, { heartbeat, reconnect: false });
  const child = await elsewhere('./far-client.mjs', [address, JSON.stringify({ heartbeat, reconnect })]);
  await child.event('connect');
  await until(() => server.getConnectionCount() === 2, 'both');
  const gone = next(server, 'clientClosed');
  child.process.kill('SIGSTOP');
  const [, code, , clean] = await gone;
  expect([code, clean]).toEqual([8, false]);
  expect(server.errors.map(({ code: each }) => each)).toEqual(['ERR_QW_HEARTBEAT_TIMEOUT']);
  expect([witness.state, witness.errors]).toEqual(['open', []]);
  child.process.kill('SIGCONT');
  await child.event('disconnect');
  await child.event('connect');
  await until(() => server.getConnectionCount() === 2, 'both again');
});

it('calls that a server could not take while it stood still are answered, if they can wait', async () => {
  const { child, address } = await serverElsewhere({ codec: 'text', handshakeTimeoutMs: TIMEOUT_MS });
  child.process.kill('SIGSTOP');
  const calls = Array.from({ length: 3 }, () => connect(address, { codec: 'text', reconnect: false }));
  await sleep(LONG_MS);
  child.process.kill('SIGCONT');
  for (const client of await Promise.all(calls)) {
    cleanUp(() => client.close());
    await echoes(client, 'there');
  }
});
