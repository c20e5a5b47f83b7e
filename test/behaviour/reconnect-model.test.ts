/**
 * A client whose server comes, goes, refuses and drains, against a model of what it should be: whatever order that happens
 * in, its state, its events and what it delivers are those of the model.
 */
import fc from 'fast-check';
import { createQWormholeClient, listen, type QWormholeClient, type QWormholeServer } from 'qwormhole';
import { expect, it } from 'vitest';
import { SPEAKING, cleanUp, somewhere } from '../support/scene.js';
import { failure, sleep, until } from '../support/wait.js';
import { holds, patience } from '../support/holds.js';

const RUNS = 25;
/** Of a story: enough to come back to the same state in several ways. */
const MOST_COMMANDS = 20;
/** Attempts are made all the time. */
const reconnect = { baseMs: 1, capMs: 10 };
/** For some attempts to fail, ms. */
const A_WHILE_MS = 30;

interface Model {
  server: 'down' | 'up' | 'refusing';
  client: 'idle' | 'open' | 'reconnecting' | 'closed';
  /** What the client should have told, but for its attempts. */
  events: string[];
  connects: number;
  /** Accepted, and not delivered for want of a connection. */
  waiting: number[];
  delivered: number[];
  sent: number;
}

/** The client, and whatever server is at its endpoint. */
class Real {
  readonly events: string[] = [];
  readonly delivered: number[] = [];
  /** Numbers of attempts since the last loss. */
  attempts: number[] = [];
  server: QWormholeServer<'json'> | undefined;
  readonly client: QWormholeClient<'json'>;
  readonly #place: string;

  constructor(place: string) {
    this.#place = place;
    const { client } = createQWormholeClient({ ...SPEAKING, endpoints: place, codec: 'json', reconnect });
    this.client = client;
    for (const event of ['connect', 'ready', 'disconnect', 'close'] as const)
      client.on(event, () => this.events.push(event));
    client.on('disconnect', () => (this.attempts = []));
    client.on('reconnecting', (attempt) => this.attempts.push(attempt));
    client.on('error', () => {});
    cleanUp(() => Promise.all([client.close(), this.server?.close()]));
  }

  async serve(isRefusing: boolean): Promise<void> {
    const verdict = isRefusing && { verifyHandshake: () => false };
    const server = await listen(this.#place, { ...SPEAKING, codec: 'json', ...verdict });
    server.on('error', () => {});
    server.on('message', (message) => this.delivered.push(message as number));
    this.server = server;
  }

  async leave(gracefulMs: number): Promise<void> {
    const server = this.server!;
    this.server = undefined;
    await server.close({ gracefulMs, spreadMs: 0 });
  }

  /** Waits until it is as the model says, and looks at the rest. */
  async agree(model: Model): Promise<void> {
    const { client } = this;
    const isSo = (): boolean =>
      client.state === model.client &&
      this.delivered.length === model.delivered.length &&
      (this.server?.getConnectionCount() ?? 0) === Number(model.client === 'open');
    await until(isSo, `${JSON.stringify(model)}, and it is ${client.state}: ${this.events.join()}`);
    expect(this.events).toEqual(model.events);
    expect(this.delivered).toEqual(model.delivered);
    expect(this.attempts).toEqual(this.attempts.map((_, index) => index + 1));
    const { connects, disconnects } = client.stats();
    expect(connects).toBe(model.connects);
    expect(disconnects).toBe(model.events.filter((event) => event === 'disconnect').length);
    expect(client.bufferedAmount > 0).toBe(model.waiting.length > 0);
  }
}

function connected(model: Model): void {
  model.client = 'open';
  model.connects += 1;
  model.events.push('connect', 'ready');
  model.delivered.push(...model.waiting.splice(0));
}

/** It comes back at once where there is somebody. */
function lost(model: Model): void {
  model.events.push('disconnect');
  model.client = 'reconnecting';
  if (model.server === 'up') connected(model);
}

function command(
  name: string,
  check: (model: Readonly<Model>) => boolean,
  happens: (model: Model, real: Real) => Promise<void>,
): fc.AsyncCommand<Model, Real> {
  return {
    check,
    async run(model, real) {
      await happens(model, real);
      await real.agree(model);
    },
    toString: () => name,
  };
}

const begin = (isRefusing: boolean) =>
  command(
    isRefusing ? 'refuse' : 'up',
    ({ server }) => server === 'down',
    async (model, real) => {
      model.server = isRefusing ? 'refusing' : 'up';
      await real.serve(isRefusing);
      if (model.client === 'reconnecting' && !isRefusing) connected(model);
    },
  );

const leave = (gracefulMs: number) =>
  command(
    gracefulMs === 0 ? 'down' : 'drain',
    ({ server }) => server !== 'down',
    async (model, real) => {
      model.server = 'down';
      if (model.client === 'open') lost(model);
      await real.leave(gracefulMs);
    },
  );

const commands = [
  begin(false),
  begin(true),
  leave(0),
  leave(5000),
  command(
    'cut',
    ({ server, client }) => server === 'up' && client === 'open',
    async (model, real) => {
      lost(model);
      const [connection] = real.server!;
      connection.terminate();
      await until(() => real.events.length === model.events.length, 'the way back');
    },
  ),
  command(
    'connect',
    () => true,
    async (model, { client }) => {
      if (model.client === 'closed')
        return void expect(await failure(() => client.connect())).toMatchObject({ code: 'ERR_QW_CLOSED' });
      if (model.client !== 'idle') return client.connect();
      // Without `reconnect.initial` the first attempt is the only one.
      if (model.server !== 'up') return void (await failure(() => client.connect()));
      connected(model);
      await client.connect();
    },
  ),
  command(
    'send',
    () => true,
    async (model, { client }) => {
      const number = (model.sent += 1);
      const result = client.send(number);
      if (model.client === 'closed') return expect(result).toBe('dropped');
      expect(result).toBe(model.client === 'open' ? 'sent' : 'backpressure');
      if (model.client === 'open') model.delivered.push(number);
      else model.waiting.push(number);
    },
  ),
  command(
    'a while',
    () => true,
    async () => sleep(A_WHILE_MS),
  ),
  command(
    'close',
    ({ client }) => client !== 'closed',
    async (model, { client }) => {
      model.client = 'closed';
      model.waiting = [];
      model.events.push('close');
      await client.close();
    },
  ),
];

/** Ends seldom: what comes behind says little. */
const drawn = commands.flatMap((each) =>
  Array.from({ length: String(each) === 'close' ? 1 : 4 }, () => each),
);
const stories = fc.commands(
  drawn.map((each) => fc.constant(each)),
  { maxCommands: MOST_COMMANDS, size: 'max' },
);

it('is in the state that the model is in, and has told as much', { timeout: patience(120_000) }, async () => {
  const property = fc.asyncProperty(stories, async (story) => {
    const real = new Real(await somewhere());
    const model: Model = {
      server: 'down',
      client: 'idle',
      events: [],
      connects: 0,
      waiting: [],
      delivered: [],
      sent: 0,
    };
    try {
      await fc.asyncModelRun(() => ({ model, real }), story);
    } finally {
      await Promise.all([real.client.close(), real.server?.close()]);
    }
  });
  await holds(property, { numRuns: RUNS });
});
