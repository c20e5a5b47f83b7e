/** What has come is delivered in turns of the event loop that leave room for others: the option `batching`. */
import { expect, it } from 'vitest';
import { cleanUp, pair } from '../support/scene.js';
import { failure, until } from '../support/wait.js';

const MESSAGES = 300;
/** Messages of a stream, a tick each. */
const STREAM = 2000;

/** Of listeners that take 1 ms between two timers: two turns of 2 ms, which a look at the clock may be late for. */
const MOST = 8;
/** At first: two strides of the length that quick listeners have. */
const FIRST = 2 * 64 + MOST;

/** Has so many messages wait for a listener that takes `ms` for each; how many there were between two timers, and which. */
async function flood(batching: unknown, ms: number, messages = MESSAGES) {
  const { client, connection, server } = await pair({ batching } as never, { batching } as never);
  const seen: number[] = [];
  /** Of each turn that had some. */
  const turns: number[] = [];
  let since = 0;
  const look = (): void => {
    if (since > 0) turns.push(since);
    since = 0;
  };
  const timer = setInterval(look, 1);
  cleanUp(() => clearInterval(timer));
  // A listener that is there from the beginning would be called for the first before the last is sent.
  for (let n = 0; n < messages; n += 1) {
    const message = Buffer.alloc(64);
    message.writeUInt32BE(n);
    client.send(message);
  }
  await client.flushed();
  connection.on('message', (message) => {
    seen.push((message as Buffer).readUInt32BE());
    since += 1;
    for (const end = performance.now() + ms; performance.now() < end;);
  });
  await until(() => seen.length === messages, 'all messages');
  look();
  const [first, ...others] = turns;
  return { seen, first, most: Math.max(0, ...others), telemetry: server.telemetry() };
}

const inOrder = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

it('lets timers run while slow listeners have much to do', async () => {
  const { seen, first, most, telemetry } = await flood('guarded', 1);
  expect(seen).toEqual(inOrder(MESSAGES));
  expect(first).toBeLessThanOrEqual(FIRST);
  expect(most).toBeLessThanOrEqual(MOST);
  expect(telemetry.batching).toMatchObject({ mode: 'guarded', turnMs: 2, lastCut: 'time' });
  expect(telemetry.batching.cuts.time).toBeGreaterThan(10);
});

it('is guarded unless told otherwise', async () => {
  const { most, telemetry } = await flood(undefined, 1);
  expect(most).toBeLessThanOrEqual(MOST);
  expect(telemetry.batching.mode).toBe('guarded');
});

it('cuts nothing short when off', async () => {
  const before = (await pair({ batching: 'off' }, { batching: 'off' })).server.telemetry().batching.cuts;
  const { seen, telemetry } = await flood('off', 0.1);
  expect(seen).toEqual(inOrder(MESSAGES));
  expect(telemetry.batching).toMatchObject({ mode: 'off', maxEvents: 4096, cuts: before });
  expect(telemetry.batching.turnMs).toBeUndefined();
});

it('keeps exactly to a forced number of events', async () => {
  const { seen, first, most, telemetry } = await flood({ maxEvents: 5 }, 0.5);
  expect(seen).toEqual(inOrder(MESSAGES));
  // Two turns may come between two timers.
  expect(Math.max(first, most)).toBeLessThanOrEqual(10);
  expect(telemetry.batching).toMatchObject({ mode: 'forced', maxEvents: 5, lastCut: 'events' });
});

it('answers everything, in order, whoever waits', async () => {
  const { client, connection } = await pair({ batching: { maxEvents: 3 } });
  const echoes: number[] = [];
  connection.on('message', (message) => void connection.send(message));
  client.on('message', (message) => echoes.push((message as Buffer).readUInt32BE()));
  for (let n = 0; n < 1000; n += 1) {
    const message = Buffer.alloc(4);
    message.writeUInt32BE(n);
    client.send(message);
  }
  await until(() => echoes.length === 1000, 'the echoes');
  expect(echoes).toEqual(inOrder(1000));
});

it('delivers what waits for its turn before the end', async () => {
  const { client, connection } = await pair({ batching: { maxEvents: 2 } });
  const told: string[] = [];
  connection.on('message', () => told.push('message'));
  connection.on('close', () => told.push('close'));
  for (let n = 0; n < 200; n += 1) client.send(Buffer.from('x'));
  await client.close();
  await until(() => told.includes('close'), 'the end');
  expect(told).toEqual([...Array.from({ length: 200 }, () => 'message'), 'close']);
});

it('stops within a turn when paused, and goes on', async () => {
  const { client, connection } = await pair({ batching: { maxEvents: 4 } });
  let count = 0;
  connection.on('message', () => {
    count += 1;
    if (count === 6) connection.pause();
  });
  for (let n = 0; n < 50; n += 1) client.send(Buffer.from('x'));
  await until(() => count === 6, 'the pause');
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  expect(count).toBe(6);
  connection.resume();
  await until(() => count === 50, 'the rest');
});

it('tells the journal, once for many', async () => {
  const records: any[] = [];
  const logger = (record: { event: string }): void => {
    if (record.event === 'server.batching') records.push(record);
  };
  const options = { batching: { maxEvents: 1 }, logger, logLevel: 'debug' } as const;
  const { client, connection, server } = await pair(options, { batching: options.batching });
  let count = 0;
  connection.on('message', () => (count += 1));
  for (let n = 0; n < 100; n += 1) client.send(Buffer.from('x'));
  await until(() => count === 100, 'the messages');
  await until(() => records.length > 0, 'the record');
  expect(records).toHaveLength(1);
  expect(records[0]).toMatchObject({ level: 'debug', bound: 'events', count: 10, id: server.id });
  expect(server.metrics()).toMatch(/qwormhole_turns_cut_total\{role="server",bound="events"\} [1-9]/);
});

it('has the messages of a stream wait for one another when aggressive, and nothing else', async () => {
  const count = async (batching: 'guarded' | 'aggressive') => {
    const { client, connection } = await pair({}, { batching });
    const before = client.telemetry().batching.streams;
    const seen: number[] = [];
    let [turns, isSameTurn] = [0, false];
    connection.on('message', (message) => {
      seen.push((message as Buffer).readUInt32BE());
      if (!isSameTurn) turns += 1;
      isSameTurn = true;
      setImmediate(() => (isSameTurn = false));
    });
    const began = performance.now();
    for (let n = 0; n < STREAM; n += 1) {
      const message = Buffer.alloc(4);
      message.writeUInt32BE(n);
      client.send(message);
      await new Promise(setImmediate);
    }
    await until(() => seen.length === STREAM, 'the stream');
    expect(seen).toEqual(inOrder(STREAM));
    return { turns, ms: performance.now() - began, streams: client.telemetry().batching.streams - before };
  };
  const [plain, coalesced] = [await count('guarded'), await count('aggressive')];
  // A hand-over each ms, and the eight of a stream's beginning again wherever this machine has paused for some.
  expect(coalesced.turns).toBeLessThan(5 * coalesced.ms + 10);
  expect(plain.streams).toBe(0);
  expect(coalesced.streams).toBeGreaterThan(0);
});

it('has no message of a conversation wait when aggressive', async () => {
  const { client, connection } = await pair({ batching: 'aggressive' }, { batching: 'aggressive' });
  connection.on('message', (message) => void connection.send(message));
  const echo = client[Symbol.asyncIterator]();
  const before = client.telemetry().batching.streams;
  for (let n = 0; n < 400; n += 1) {
    client.send(Buffer.from('x'));
    await echo.next();
  }
  // Of both sides: they are of one process.
  expect(client.telemetry().batching.streams).toBe(before);
});

it('refuses what it cannot be', async () => {
  for (const batching of [
    'fast',
    1,
    { maxEvents: 0 },
    { maxEvents: 1.5 },
    { flushIntervalMs: -1 },
    { turnMs: 1 },
  ])
    expect((await failure(() => pair({ batching } as never))).kind).toBe('configuration');
});
