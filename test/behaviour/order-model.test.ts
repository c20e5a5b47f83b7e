/**
 * Messages to one, to a topic and to all, of every class and size, to receivers that pause: whatever the turns in which
 * they are sent, each receiver gets those that are for it, once, and those of a class in the order in which they were sent.
 */
import fc from 'fast-check';
import type { Connection, ServerConnection } from 'qwormhole';
import { expect, it } from 'vitest';
import { call, serve } from '../support/scene.js';
import { until } from '../support/wait.js';
import { holds, patience } from '../support/holds.js';

const RUNS = 15;
const CLASSES = ['high', 'normal', 'low'] as const;
const TOPICS = ['a', 'b'] as const;
const CLIENTS = 3;
/** What fits into a batch, into a record, and what takes a way of its own, bytes. */
const SIZES = [8, 8, 100, 5000, 40_000, 70_000];

const what = { cls: fc.constantFrom(...CLASSES), size: fc.constantFrom(...SIZES) };
const whom = fc.nat({ max: CLIENTS - 1 });
const topic = fc.constantFrom(...TOPICS);
type Class = (typeof CLASSES)[number];
type Message = { readonly cls: Class; readonly size: number } & (
  | { readonly act: 'send'; readonly whom: number }
  | { readonly act: 'publish'; readonly topic: string }
  | { readonly act: 'broadcast' }
);
type Act =
  | Message
  | { readonly act: 'subscribe' | 'unsubscribe'; readonly whom: number; readonly topic: string }
  | { readonly act: 'pause' | 'resume'; readonly whom: number }
  | { readonly act: 'turn' | 'flush' };

const acts = fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Act> }[]>(
  { weight: 3, arbitrary: fc.record({ act: fc.constant('send'), whom, ...what }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('publish'), topic, ...what }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('broadcast'), ...what }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('subscribe', 'unsubscribe'), whom, topic }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('pause', 'resume'), whom }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('turn', 'flush') }) },
);

/** What one receiver should get and gets: numbers of messages, by class. */
class Receiver {
  readonly topics = new Set<string>();
  readonly expected: Record<string, number[]> = { high: [], normal: [], low: [] };
  readonly got: Record<string, number[]> = { high: [], normal: [], low: [] };
  count = 0;

  constructor(
    readonly client: Connection<any>,
    readonly connection: ServerConnection<any>,
  ) {
    client.on('message', (message: Buffer) => {
      this.count += 1;
      this.got[CLASSES[message[4]]].push(message.readUInt32BE(0));
    });
  }

  get due(): number {
    return CLASSES.reduce((sum, name) => sum + this.expected[name].length, 0);
  }
}

async function scene() {
  const server = await serve({ codec: 'buffer', maxQueued: 64 * 1024 * 1024 });
  const receivers: Receiver[] = [];
  for (let index = 0; index < CLIENTS; index += 1) {
    const known = new Set(server);
    const client = await call(server, { codec: 'buffer', reconnect: false });
    await until(() => server.getConnectionCount() === index + 1, 'the connection');
    const [connection] = [...server].filter((each) => !known.has(each));
    receivers.push(new Receiver(client, connection));
  }
  return { server, receivers };
}

type Scene = Awaited<ReturnType<typeof scene>>;

function packed(number: number, cls: Class, size: number): Buffer {
  const message = Buffer.alloc(size, number);
  message.writeUInt32BE(number, 0);
  message[4] = CLASSES.indexOf(cls);
  return message;
}

function perform(each: Act, number: number, { server, receivers }: Scene): unknown {
  if ('cls' in each) return tell(each, number, server, receivers);
  if ('topic' in each) {
    const { connection, topics } = receivers[each.whom];
    connection[each.act](each.topic);
    return topics[each.act === 'subscribe' ? 'add' : 'delete'](each.topic);
  }
  if ('whom' in each) return receivers[each.whom].client[each.act]();
  if (each.act === 'turn') return new Promise(setImmediate);
  for (const { connection } of receivers) connection.flush();
}

function tell(each: Message, number: number, server: Scene['server'], receivers: readonly Receiver[]): void {
  const { cls, size } = each;
  const message = packed(number, cls, size);
  const isFor = ({ topics }: Receiver, index: number): boolean =>
    each.act === 'broadcast' || (each.act === 'send' ? index === each.whom : topics.has(each.topic));
  const those = receivers.filter(isFor);
  for (const { expected } of those) expected[cls].push(number);
  if (each.act === 'send')
    return expect(those[0].connection.send(message, { class: cls })).not.toBe('dropped');
  const result =
    each.act === 'publish'
      ? server.publish(each.topic, message, { class: cls })
      : server.broadcast(message, { class: cls });
  expect(result).toEqual({ accepted: those.length, dropped: 0 });
}

it('each class arrives in the order in which it was sent, once', { timeout: patience(120_000) }, async () => {
  const property = fc.asyncProperty(fc.array(acts, { minLength: 10, maxLength: 60 }), async (story) => {
    const stage = await scene();
    for (const [number, each] of story.entries()) await perform(each, number, stage);
    for (const receiver of stage.receivers) {
      receiver.client.resume();
      await until(() => receiver.count >= receiver.due, `${receiver.due} messages`);
      expect(receiver.got).toEqual(receiver.expected);
    }
    await stage.server.close();
  });
  await holds(property, { numRuns: RUNS });
});
