/** Messages have the types of their codec, in the signatures that users see. */
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
