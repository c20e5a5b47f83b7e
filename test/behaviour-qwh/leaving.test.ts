/** A server that leaves while somebody shakes hands with it: who comes late is told when to come back too. */
import { CloseCode, connect, createQWormholeClient } from 'qwormhole';
import { expect, it } from 'vitest';
import { cleanUp, serve } from '../support/scene.js';
import { failure, next, until } from '../support/wait.js';

const SPREAD_MS = 20_000;
const CLIENTS = 8;
const ONCE = { reconnect: false } as const;
/** The most that the first pause of such a client adds to what it was told. */
const BASE_MS = 1;

function expectSpread(told: readonly number[], addedMs = 0): void {
  expect(told).toHaveLength(CLIENTS);
  for (const ms of told) {
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(SPREAD_MS + addedMs);
  }
  // Each has drawn for itself.
  expect(new Set(told).size).toBeGreaterThan(1);
}

it('tells those who wait for the verdict', async () => {
  let asked = 0;
  const server = await serve({
    verifyHandshake: () => {
      asked += 1;
      return new Promise<never>(() => {});
    },
  });
  const [address] = server.addresses;
  const refusals = Array.from({ length: CLIENTS }, () => failure(() => connect(address, ONCE)));
  await until(() => asked === CLIENTS, 'all of them');
  await server.close({ spreadMs: SPREAD_MS });
  const errors = await Promise.all(refusals);
  for (const { code, closeCode } of errors)
    expect([code, closeCode]).toEqual(['ERR_QW_HANDSHAKE_REFUSED', CloseCode.shutdown]);
  expectSpread(errors.map(({ details }) => details.retryAfterMs));
});

it('tells those who were accepted and whom it has not met yet', async () => {
  const server = await serve({});
  const [address] = server.addresses;
  const told: number[] = [];
  let welcome = 0;
  let closing: Promise<void> | undefined;
  for (let count = 0; count < CLIENTS; count += 1) {
    const { client } = createQWormholeClient({
      endpoints: address,
      protocol: 'qwh',
      // The client has heard that it is welcome, and its own answer is not on its way: the server leaves.
      verifyHandshake: async () => {
        welcome += 1;
        if (welcome === CLIENTS) closing ??= server.close({ spreadMs: SPREAD_MS });
        await until(() => closing !== undefined, 'the others');
        await closing;
      },
      reconnect: { baseMs: BASE_MS, capMs: SPREAD_MS, initial: true },
    });
    cleanUp(() => client.close());
    client.on('reconnecting', (_attempt, delayMs, error) => {
      if (error === undefined || error.closeCode === CloseCode.shutdown) told.push(delayMs);
    });
    void client.connect().catch(() => {});
  }
  await until(() => told.length >= CLIENTS, 'what they were told');
  await closing;
  expectSpread(told.slice(0, CLIENTS), BASE_MS);
});

it('gives no advice where nothing is to be spread', async () => {
  let asked = false;
  const server = await serve({
    verifyHandshake: () => {
      asked = true;
      return new Promise<never>(() => {});
    },
  });
  const refusal = failure(() => connect(server.addresses[0], ONCE));
  await until(() => asked, 'the question');
  await server.close();
  expect(await refusal).toMatchObject({ closeCode: CloseCode.shutdown, details: { retryAfterMs: 0 } });
});

it('tells a client that is connected, whether its server knows of it by then or not', async () => {
  const server = await serve({});
  const { client } = createQWormholeClient({
    endpoints: server.addresses[0],
    protocol: 'qwh',
    reconnect: { baseMs: BASE_MS, capMs: SPREAD_MS },
  });
  cleanUp(() => client.close());
  const planned = next(client, 'reconnecting');
  // Both live in one thread: what the server has got by then waits for this turn to end.
  client.on('connect', () => void server.close({ spreadMs: SPREAD_MS }));
  await client.connect();
  const [, delayMs] = await planned;
  expect(delayMs).toBeGreaterThan(1);
});
