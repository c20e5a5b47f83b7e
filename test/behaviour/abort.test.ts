/** Every wait can be given up, and what was begun is undone. */
import { getEventListeners } from 'node:events';
import { connect, createQWormholeClient, createQWormholeServer, listen } from 'qwormhole';
import { expect, it } from 'vitest';
import { blackHole } from '../support/black-hole.js';
import { RawPeer } from '../support/raw-peer.js';
import { ANYWHERE, call, cleanUp, serve } from '../support/scene.js';
import { failure, next, sleep, until } from '../support/wait.js';

it('gives up connecting and frees the socket', async () => {
  const { client } = createQWormholeClient({ endpoints: await blackHole() });
  cleanUp(() => client.close());
  const controller = new AbortController();
  const reason = new Error('changed my mind');
  const given = failure(() => client.connect({ signal: controller.signal }));
  await sleep(10);
  controller.abort(reason);
  expect(await given).toMatchObject({ code: 'ERR_QW_ABORTED', cause: reason });
  expect(client.state).toBe('idle');
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

it('gives up connecting only when nobody waits for it any more', async () => {
  const { client } = createQWormholeClient({ endpoints: await blackHole() });
  cleanUp(() => client.close());
  const controllers = [new AbortController(), new AbortController()];
  const given = controllers.map(({ signal }) => failure(() => client.connect({ signal })));
  await sleep(10);
  controllers[0].abort('one');
  expect(await given[0]).toMatchObject({ code: 'ERR_QW_ABORTED', cause: 'one' });
  expect(client.state).toBe('connecting');
  expect(getEventListeners(controllers[0].signal, 'abort')).toHaveLength(0);
  controllers[1].abort('the other');
  expect(await given[1]).toMatchObject({ code: 'ERR_QW_ABORTED', cause: 'the other' });
  expect(client.state).toBe('idle');
});

it('connects for those who wait when another gives up', async () => {
  const server = await serve();
  const { client } = createQWormholeClient({ endpoints: server.addresses[0] });
  cleanUp(() => client.close());
  const controller = new AbortController();
  const connecting = client.connect();
  const given = failure(() => client.connect({ signal: controller.signal }));
  controller.abort();
  expect(await given).toMatchObject({ code: 'ERR_QW_ABORTED' });
  await connecting;
  expect(client.state).toBe('open');
});

it('leaves a client closing that is closed before', async () => {
  const { client } = createQWormholeClient({ endpoints: await blackHole() });
  const controller = new AbortController();
  const given = failure(() => client.connect({ signal: controller.signal }));
  await sleep(10);
  const closed = client.close();
  controller.abort();
  expect(client.state).toBe('closing');
  expect(await given).toMatchObject({ code: 'ERR_QW_ABORTED' });
  await closed;
  expect(client.state).toBe('closed');
});

it('does not begin when the signal is aborted already', async () => {
  const server = await serve();
  const { client } = createQWormholeClient({ endpoints: server.addresses[0] });
  cleanUp(() => client.close());
  expect(await failure(() => client.connect({ signal: AbortSignal.abort('no') }))).toMatchObject({
    code: 'ERR_QW_ABORTED',
    cause: 'no',
  });
  const options = { signal: AbortSignal.abort('never') };
  expect(await failure(() => connect(server.addresses[0], options))).toMatchObject({
    code: 'ERR_QW_ABORTED',
  });
  expect(await failure(() => listen(ANYWHERE, options))).toMatchObject({ code: 'ERR_QW_ABORTED' });
  await sleep(20);
  expect(server.stats().connectionsAccepted).toBe(0);
});

it('ends a client with the signal of its life', async () => {
  const server = await serve();
  const controller = new AbortController();
  const client = await call(server, { signal: controller.signal });
  const closed = next(client, 'close');
  controller.abort();
  expect((await closed)[2]).toBe(true);
  expect(client.state).toBe('closed');
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

it('ends the attempts of a client with the signal of its life', async () => {
  const controller = new AbortController();
  const { client } = createQWormholeClient({
    endpoints: 'tcp://127.0.0.1:1',
    reconnect: { initial: true, baseMs: 5, capMs: 10 },
    signal: controller.signal,
  });
  const connecting = failure(() => client.connect());
  await next(client, 'reconnecting');
  controller.abort('enough');
  expect(await connecting).toMatchObject({ code: 'ERR_QW_ABORTED', cause: 'enough' });
});

it('closes a server with the signal of its life', async () => {
  const controller = new AbortController();
  const server = await serve({ signal: controller.signal });
  const client = await call(server, { reconnect: false });
  const both = Promise.all([next(server, 'close'), next(client, 'close')]);
  controller.abort();
  await both;
  expect(server.ready).toBe(false);
});

it('gives up waiting for a server to close, which closes all the same', async () => {
  const server = await serve({ protocol: 'length-prefixed' });
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  await until(() => server.getConnectionCount() === 1, 'the connection');
  const closed = next(server, 'close');
  const error = await failure(() => server.close({ gracefulMs: 400, signal: AbortSignal.timeout(20) }));
  expect(error.code).toBe('ERR_QW_ABORTED');
  await closed;
});

it('gives up listening and binds nothing', async () => {
  const { server } = createQWormholeServer({ endpoints: ANYWHERE });
  cleanUp(() => server.close());
  const controller = new AbortController();
  const listening = failure(() => server.listen({ signal: controller.signal }));
  controller.abort();
  expect(await listening).toMatchObject({ code: 'ERR_QW_ABORTED' });
  await sleep(50);
  expect([server.ready, server.addresses]).toEqual([false, []]);
  // Given up is not closed.
  await server.listen();
  expect(server.ready).toBe(true);
});

it('says in time that a connection cannot be had', async () => {
  const nowhere = await blackHole();
  const began = performance.now();
  const error = await failure(() => connect(nowhere, { connectTimeoutMs: 150 }));
  expect(error).toMatchObject({ code: 'ERR_QW_CONNECT_TIMEOUT', retriable: true });
  expect(error.details).toEqual({ what: new URL(nowhere).host, timeoutMs: 150 });
  expect(performance.now() - began).toBeGreaterThan(140);
  expect(performance.now() - began).toBeLessThan(3000);
});
