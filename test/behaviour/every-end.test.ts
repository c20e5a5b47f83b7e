/**
 * However a connection ends, and whatever was going on, it ends once, all that waited for it hears of that, and nothing
 * is left behind. What both ends and the network do is drawn.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Connection } from 'qwormhole';
import type { ChaosProxy } from 'qwormhole/testing';
import { proxyBefore } from '../support/chaos.js';
import { call, serve } from '../support/scene.js';
import { next, until } from '../support/wait.js';
import { holds, patience } from '../support/holds.js';

const RUNS = 25;

/** What happens, on its own or with others in one turn of the event loop. */
type Act =
  | readonly ['send', size: number]
  | readonly ['pause' | 'resume' | 'turn' | 'iterate' | 'drained' | 'flushed']
  | readonly ['throw'];
type End = 'close' | 'terminate' | 'reset' | 'end up' | 'end down' | 'dispose' | 'server';

interface Scene {
  readonly proxy: ChaosProxy;
  readonly client: Connection<any>;
  readonly connection: Connection<any>;
  readonly server: { close(): Promise<void> };
}

const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant('send' as const), fc.constantFrom(0, 1, 100, 70_000, 300_000)),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('pause', 'resume', 'turn', 'drained', 'flushed')) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('iterate', 'throw')) },
) as fc.Arbitrary<Act>;

const story = fc.record({
  acts: fc.array(fc.tuple(fc.boolean(), act), { maxLength: 12 }),
  end: fc.constantFrom<End>('close', 'terminate', 'reset', 'end up', 'end down', 'dispose', 'server'),
  byClient: fc.boolean(),
  again: fc.option(fc.constantFrom<End>('close', 'terminate', 'reset'), { nil: undefined }),
});

/** Of one end: what it is told, and what it waits for. */
class Witness {
  closes = 0;
  late = 0;
  readonly waits: Promise<unknown>[] = [];

  constructor(readonly connection: Connection<any>) {
    connection.on('error', () => {});
    connection.on('close', () => (this.closes += 1));
    connection.on('message', (message: Uint8Array) => {
      if (this.closes > 0) this.late += 1;
      if (message.length === 1) throw new Error('a listener that throws');
    });
  }

  do([what, size]: Act): unknown {
    const { connection } = this;
    if (what === 'send') return connection.send(Buffer.alloc(size));
    if (what === 'throw') return connection.send(Buffer.alloc(1));
    if (what === 'turn') return new Promise(setImmediate);
    if (what === 'iterate') return this.#wait(drain(connection));
    if (what === 'drained' || what === 'flushed') return this.#wait(connection[what]());
    return connection[what as 'pause' | 'resume']();
  }

  /** It must come to an end, whichever. */
  #wait(promise: Promise<unknown>): void {
    this.waits.push(promise.catch(() => undefined));
  }
}

async function drain(connection: Connection<any>): Promise<void> {
  for await (const message of connection) if (message === undefined) return;
}

function finish(end: End, { proxy, client, connection, server }: Scene, byClient: boolean): Promise<unknown> {
  const one = byClient ? client : connection;
  if (end === 'close') return one.close();
  if (end === 'dispose') return one[Symbol.asyncDispose]();
  if (end === 'server') return server.close();
  if (end === 'terminate') one.terminate();
  else if (end === 'reset') proxy.reset();
  else proxy.end(end === 'end up' ? 'up' : 'down');
  return Promise.resolve();
}

it('every story has one end for each', { timeout: patience(20_000 + RUNS * 2000) }, async () => {
  const live = async ({
    acts,
    end,
    byClient,
    again,
  }: typeof story extends fc.Arbitrary<infer T> ? T : never) => {
    const server = await serve({ closeTimeoutMs: 500 });
    server.on('handlerError', () => {});
    const proxy = await proxyBefore(server);
    const arrived = next(server, 'connection');
    const client = await call(proxy.url, { reconnect: false, closeTimeoutMs: 500 });
    client.on('handlerError', () => {});
    const [connection] = (await arrived) as [Connection<any>];
    const witnesses = [new Witness(client), new Witness(connection)];
    for (const [isClients, each] of acts) {
      try {
        await witnesses[isClients ? 0 : 1].do(each);
      } catch (error) {
        // A connection may be over by now, and has one reader.
        expect(String((error as { code?: string }).code)).toMatch(/^ERR_QW_/);
      }
    }
    const scene = { proxy, client, connection, server };
    const ends = [finish(end, scene, byClient)];
    if (again !== undefined) ends.push(finish(again, scene, !byClient));
    // Who does not read does not hear of an end in order: that is what being paused is.
    for (const { connection: each } of witnesses) each.resume();
    await Promise.all(ends);
    await until(() => witnesses.every(({ closes }) => closes > 0), `both ends after ${end}`, 15_000);
    await Promise.all(witnesses.flatMap(({ waits }) => waits));
    await until(() => proxy.open === 0, 'the end of both sockets');
    expect(witnesses.map(({ closes, late }) => [closes, late])).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(server.getConnectionCount()).toBe(0);
    expect([client.bufferedAmount, connection.bufferedAmount]).toEqual([0, 0]);
    expect([client.state, connection.state]).toEqual(['closed', 'closed']);
    await Promise.all([server.close(), proxy.close()]);
  };
  await holds(fc.asyncProperty(story, live), { numRuns: RUNS });
});
