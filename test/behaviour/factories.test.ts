/** How servers and clients are made, and what the makers say. */
import {
  connect,
  createQWormholeClient,
  createQWormholeServer,
  listen,
  QWormholeError,
  QWormholeRuntime,
} from 'qwormhole';
import { expect, it } from 'vitest';
import { ANYWHERE, cleanUp, echo, serve } from '../support/scene.js';
import { failure, next } from '../support/wait.js';

it('say which backend is in use, in the same words everywhere', async () => {
  const made = createQWormholeServer({ endpoints: ANYWHERE });
  const { client, ...told } = createQWormholeClient({ endpoints: 'tcp://127.0.0.1:1' });
  cleanUp(() => Promise.all([made.server.close(), client.close()]));
  expect([made.mode, made.backend]).toEqual([made.server.mode, made.server.backend]);
  expect([told.mode, told.backend]).toEqual([client.mode, client.backend]);
  expect(made.backend).toBe({ ts: 'ts', native: 'rust' }[made.mode]);
  expect(made.nativeAvailable).toBe(made.mode === 'native' ? true : undefined);
});

it('obey forceTs whatever else is said', async () => {
  const { server, mode, nativeAvailable } = createQWormholeServer({
    endpoints: ANYWHERE,
    forceTs: true,
    preferNative: true,
  });
  cleanUp(() => server.close());
  expect(mode).toBe('ts');
  expect(nativeAvailable).toBeUndefined();
});

it.each([
  [{ maxMesage: 1 }, 'ERR_QW_OPTION_UNKNOWN', /maxMesage.*maxMessage/],
  [{ maxMessage: 2 ** 33 }, 'ERR_QW_OPTION_INVALID', /maxMessage/],
  [{ maxMessage: NaN }, 'ERR_QW_OPTION_INVALID', /maxMessage/],
  [{ closeTimeoutMs: -1 }, 'ERR_QW_OPTION_INVALID', /closeTimeoutMs/],
  [{ protocol: 'raw', codec: 'json' }, 'ERR_QW_OPTION_INVALID', /codec/],
  [{ codec: 'xml' }, 'ERR_QW_OPTION_INVALID', /codec/],
])('refuse %j at construction', async (options, code, message) => {
  const given = { endpoints: 'tcp://127.0.0.1:1', ...options } as never;
  for (const make of [() => createQWormholeServer(given), () => createQWormholeClient(given)]) {
    const error = await failure(make);
    expect(error).toBeInstanceOf(QWormholeError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  }
  expect(await failure(() => listen('tcp://127.0.0.1:0', options as never))).toMatchObject({ code });
  expect(await failure(() => connect('tcp://127.0.0.1:1', options as never))).toMatchObject({ code });
});

it('refuse endpoints that are none', async () => {
  for (const endpoint of [
    '127.0.0.1:9000',
    'tcp://:9000',
    'tcp://127.0.0.1',
    'http://127.0.0.1:1',
    '',
    null,
  ]) {
    expect((await failure(() => listen(endpoint as never))).code).toMatch(/^ERR_QW_(ENDPOINT|OPTION)_/);
  }
  expect((await failure(() => connect('tcp://127.0.0.1:0'))).code).toBe('ERR_QW_ENDPOINT_INVALID');
});

it('share the defaults of a runtime', async () => {
  const runtime = new QWormholeRuntime({ codec: 'json', client: { reconnect: false } });
  const server = await runtime.listen(ANYWHERE);
  cleanUp(() => server.close());
  echo(server);
  const client = await runtime.connect(server.addresses[0]);
  cleanUp(() => client.close());
  const back = next(client, 'message');
  client.send({ through: 'the runtime' });
  expect(await back).toEqual([{ through: 'the runtime' }]);
  const closed = next(client, 'close');
  await server.close();
  await closed;
});

it('let what is given come before the defaults', async () => {
  const runtime = new QWormholeRuntime({ codec: 'json', maxMessage: 10 });
  const { server } = runtime.createServer({ endpoints: ANYWHERE, codec: 'text', maxMessage: 100 });
  cleanUp(() => server.close());
  await server.listen();
  const { client } = runtime.createClient({ endpoints: server.addresses[0], codec: 'text' });
  cleanUp(() => client.close());
  await client.connect();
  const received = next(server, 'message');
  client.send('plain text');
  expect((await received)[0]).toBe('plain text');
  expect((await failure(() => client.send('more than ten'))).code).toBe('ERR_QW_TOO_BIG');
});

it('check the defaults of a runtime when it is made', async () => {
  expect((await failure(() => new QWormholeRuntime({ codek: 'json' } as never))).code).toBe(
    'ERR_QW_OPTION_UNKNOWN',
  );
  expect((await failure(() => new QWormholeRuntime({ maxMessage: -1 }))).code).toBe('ERR_QW_OPTION_INVALID');
});

it('leave nothing behind when they fail', async () => {
  const taken = await serve();
  expect((await failure(() => listen(taken.addresses[0]))).code).toBe('ERR_QW_ADDRESS_IN_USE');
  await taken.close();
  const again = await listen(taken.addresses[0] ?? ANYWHERE);
  await again.close();
});
