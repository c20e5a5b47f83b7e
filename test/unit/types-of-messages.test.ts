/** Messages have the types of their codec, in the signatures that users see. */
import { createServer } from 'node:http';
import {
  connect,
  createQWormholeServer,
  listen,
  QWormholeRuntime,
  type Codec,
  type QWormholeClient,
  type QWormholeServer,
  type ServerConnection,
} from 'qwormhole';
import { withQWormhole } from 'qwormhole/express';
import { attachQWormhole } from 'qwormhole/http';
import { expectTypeOf, it } from 'vitest';

const upper: Codec<{ name: string }> = {
  name: 'upper',
  encode: ({ name }) => name.toUpperCase(),
  decode: (payload) => ({ name: payload.toString() }),
};

it('of the short forms', () => {
  expectTypeOf(() => listen('tcp://127.0.0.1:0')).returns.resolves.toEqualTypeOf<QWormholeServer<'buffer'>>();
  expectTypeOf(() => listen('tcp://127.0.0.1:0', { forceTs: true })).returns.resolves.toEqualTypeOf<
    QWormholeServer<'buffer'>
  >();
  expectTypeOf(() => connect('tcp://127.0.0.1:1', { codec: 'text' })).returns.resolves.toEqualTypeOf<
    QWormholeClient<'text'>
  >();
});

it('of listeners and of send', () => {
  const use = async (): Promise<void> => {
    const server = await listen('tcp://127.0.0.1:0', { codec: 'text' });
    server.on('message', (message, connection) => {
      expectTypeOf(message).toEqualTypeOf<string>();
      expectTypeOf(connection).toEqualTypeOf<ServerConnection<'text'>>();
      // @ts-expect-error a text connection takes strings
      connection.send(7);
    });
    const client = await connect('tcp://127.0.0.1:1', { codec: upper });
    client.on('message', (message) => expectTypeOf(message).toEqualTypeOf<{ name: string }>());
    client.send({ name: 'x' });
    client.on('close', (code, reason, clean) => {
      expectTypeOf(code).toBeNumber();
      expectTypeOf(reason).toBeString();
      expectTypeOf(clean).toBeBoolean();
    });
    for await (const message of client) expectTypeOf(message).toEqualTypeOf<{ name: string }>();
    const bytes = await connect('tcp://127.0.0.1:1');
    bytes.on('message', (message) => expectTypeOf(message).toExtend<Buffer>());
    bytes.send('text');
    bytes.send(new Uint8Array(1));
    // @ts-expect-error objects need a codec
    bytes.send({});
  };
  expectTypeOf(use).returns.resolves.toBeVoid();
});

it('of the factories and of a runtime', () => {
  const make = () => createQWormholeServer({ endpoints: 'tcp://127.0.0.1:0', codec: 'json' });
  expectTypeOf(make).returns.toHaveProperty('server').toEqualTypeOf<QWormholeServer<'json'>>();
  const runtime = () => new QWormholeRuntime({ codec: 'text' }).connect('tcp://127.0.0.1:1');
  expectTypeOf(runtime).returns.resolves.toEqualTypeOf<QWormholeClient<'text'>>();
});

it('follow the endpoint where bytes may come as text', () => {
  type Tcp = QWormholeClient<'buffer'>;
  type Any = QWormholeClient<'buffer' | 'text'>;
  expectTypeOf(() => connect('tcp://127.0.0.1:1')).returns.resolves.toEqualTypeOf<Tcp>();
  expectTypeOf(() => connect({ scheme: 'tcp', port: 1 })).returns.resolves.toEqualTypeOf<Tcp>();
  expectTypeOf(() => connect('ws://127.0.0.1:1/')).returns.resolves.toEqualTypeOf<Any>();
  expectTypeOf(() => connect({ scheme: 'ws', port: 1 })).returns.resolves.toEqualTypeOf<Any>();
  expectTypeOf(() =>
    connect(['tcp://127.0.0.1:1', 'ws://127.0.0.1:1/']),
  ).returns.resolves.toEqualTypeOf<Any>();
  const configured: string = 'tcp://127.0.0.1:1';
  expectTypeOf(() => connect(configured)).returns.resolves.toEqualTypeOf<Any>();
  const use = async (): Promise<void> => {
    const client = await connect(configured);
    client.on('message', (message) => expectTypeOf(message).toExtend<Buffer | string>());
    client.send('text', { text: false });
    client.send(new Uint8Array(1), { text: true });
  };
  expectTypeOf(use).returns.resolves.toBeVoid();
});

interface Ask {
  ask: string;
}
interface Answer {
  answer: number;
}

it('of a contract: what comes in and what goes out', () => {
  const use = async (): Promise<void> => {
    const server = await listen<{ in: Ask; out: Answer }>('tcp://127.0.0.1:0', { codec: 'json' });
    server.on('message', (message, connection) => {
      expectTypeOf(message).toEqualTypeOf<Ask>();
      connection.send({ answer: 1 });
      // @ts-expect-error the server sends answers
      connection.send({ ask: 'back' });
    });
    server.broadcast({ answer: 2 });
    const client = await connect<{ in: Answer; out: Ask }>('tcp://127.0.0.1:1', { codec: 'cbor' });
    client.on('message', (message) => expectTypeOf(message).toEqualTypeOf<Answer>());
    client.send({ ask: 'how many' });
    // @ts-expect-error the client asks
    client.send({ answer: 3 });
    for await (const message of client) expectTypeOf(message).toEqualTypeOf<Answer>();
    // @ts-expect-error bytes and text have a type already
    await connect<{ in: Answer; out: Ask }>('tcp://127.0.0.1:1', { codec: 'text' });
    // @ts-expect-error the codec must be said: without one messages are bytes
    await connect<{ in: Answer; out: Ask }>('tcp://127.0.0.1:1');
    const made = createQWormholeServer<{ in: Ask; out: Answer }>({
      endpoints: 'tcp://127.0.0.1:0',
      codec: upper,
    });
    made.server.on('message', (message) => expectTypeOf(message).toEqualTypeOf<Ask>());
  };
  expectTypeOf(use).returns.resolves.toBeVoid();
});

it('of a contract on a runtime, whose codec counts', () => {
  type Serving = { in: Ask; out: Answer };
  type Calling = { in: Answer; out: Ask };
  const use = async (): Promise<void> => {
    const runtime = new QWormholeRuntime({ codec: 'json' });
    const server = await runtime.listen<Serving>('tcp://127.0.0.1:0');
    expectTypeOf(server).toEqualTypeOf<QWormholeServer<Serving>>();
    server.on('message', (message, connection) => {
      expectTypeOf(message).toEqualTypeOf<Ask>();
      connection.send({ answer: 1 });
      // @ts-expect-error the server sends answers
      connection.send({ ask: 'back' });
    });
    const client = await runtime.connect<Calling>('tcp://127.0.0.1:1', { codec: 'cbor' });
    expectTypeOf(client).toEqualTypeOf<QWormholeClient<Calling>>();
    // @ts-expect-error the client asks
    client.send({ answer: 3 });
    // @ts-expect-error text has a type already
    await runtime.connect<Calling>('tcp://127.0.0.1:1', { codec: 'text' });
    const made = runtime.createServer<Serving>({ endpoints: 'tcp://127.0.0.1:0' });
    expectTypeOf(made.server).toEqualTypeOf<QWormholeServer<Serving>>();
    const calling = runtime.createClient<Calling>({ endpoints: 'tcp://127.0.0.1:1' });
    expectTypeOf(calling.client).toEqualTypeOf<QWormholeClient<Calling>>();

    const bytes = new QWormholeRuntime();
    await bytes.listen<Serving>('tcp://127.0.0.1:0', { codec: 'msgpack' });
    // @ts-expect-error the runtime's messages are bytes: another codec must be said
    await bytes.listen<Serving>('tcp://127.0.0.1:0');
    // @ts-expect-error the same of a client that is made
    bytes.createClient<Calling>({ endpoints: 'tcp://127.0.0.1:1' });
  };
  expectTypeOf(use).returns.resolves.toBeVoid();
});

it('of a contract beside a web framework', () => {
  const use = (): void => {
    const server = attachQWormhole<{ in: Ask; out: Answer }>(createServer(), { codec: 'json' });
    server.on('message', (message) => expectTypeOf(message).toEqualTypeOf<Ask>());
    const beside = withQWormhole<{ in: Ask; out: Answer }>(() => {}, { codec: 'json' });
    expectTypeOf(beside.server).toEqualTypeOf<QWormholeServer<{ in: Ask; out: Answer }>>();
    const text = withQWormhole(() => {}, { codec: 'text' });
    expectTypeOf(text.server).toEqualTypeOf<QWormholeServer<'text'>>();
  };
  expectTypeOf(use).returns.toBeVoid();
});

it('of endpoints that are streams of this machine', () => {
  expectTypeOf(() => listen('unix:///run/x.sock')).returns.resolves.toEqualTypeOf<
    QWormholeServer<'buffer'>
  >();
  expectTypeOf(() => connect({ scheme: 'pipe', path: 'x' } as const)).returns.resolves.toEqualTypeOf<
    QWormholeClient<'buffer'>
  >();
});
