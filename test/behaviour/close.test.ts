/** The end of a connection: in order or not, told exactly once on each side. */
import { CloseCode } from 'qwormhole';
import { expect, it } from 'vitest';
import { TELLS_CODES, echo, onNetwork, pair, rawPair, rawServed, stuffKernel } from '../support/scene.js';
import { collect, failure, next, sleep, until } from '../support/wait.js';

it('is told once on both ends, with code and reason where it was decided', async () => {
  const { server, client, connection } = await pair();
  const there = next(server, 'clientClosed');
  const counts = { client: 0, connection: 0 };
  client.on('close', () => (counts.client += 1));
  connection.on('close', () => (counts.connection += 1));
  const here = next(client, 'close');
  await client.close(CloseCode.taken_over, 'moved');
  expect(await here).toEqual([CloseCode.taken_over, 'moved', true]);
  // TCP has nothing to carry them.
  expect((await there).slice(1)).toEqual(TELLS_CODES ? [CloseCode.taken_over, 'moved', true] : [0, '', true]);
  await client.close();
  client.terminate();
  await sleep(20);
  expect(counts).toEqual({ client: 1, connection: 1 });
  expect([client.state, connection.state]).toEqual(['closed', 'closed']);
});

it('sends what is queued first', async () => {
  const { server, client } = await pair({ codec: 'json' });
  const received = collect(server, 'message', 1000);
  for (let i = 0; i < 1000; i += 1) client.send(i);
  await client.close();
  expect((await received).at(-1)).toBe(999);
});

it('answers what came before the end of the peer', async () => {
  const { server, peer } = await rawPair();
  echo(server);
  for (let i = 0; i < 100; i += 1) peer.send(`message ${i}`);
  peer.end();
  await peer.ended();
  expect(peer.messages.map(String)).toEqual(Array.from({ length: 100 }, (_, i) => `message ${i}`));
});

it('discards what comes after our close, without holding it, and lets the peer finish', async () => {
  const { connection, peer } = await rawPair();
  let received = 0;
  connection.on('message', () => (received += 1));
  const closed = next(connection, 'close');
  void connection.close();
  for (let i = 0; i < 200; i += 1) peer.send(Buffer.alloc(60_000));
  await until(() => peer.socket.writableLength === 0, 'everything written');
  peer.end();
  expect(await closed).toEqual([0, '', true]);
  expect(received).toBe(0);
});

it('is cut when the peer does not end its side in time', async () => {
  const { connection, peer } = await rawPair({ closeTimeoutMs: 100 });
  const errors: any[] = [];
  connection.on('error', (error) => errors.push(error));
  const closed = next(connection, 'close');
  void connection.close(3, 'tired');
  await peer.ended();
  expect(await closed).toEqual([3, 'tired', false]);
  expect(errors.map(({ code }) => code)).toEqual(['ERR_QW_CLOSE_TIMEOUT']);
  expect(errors[0].details).toEqual({ timeoutMs: 100 });
  // A socket that has read the end hears of the reset when it writes.
  peer.write('anybody there?');
  await peer.closed();
});

onNetwork('resets when told to terminate, and what is queued is lost', async () => {
  const { connection, peer } = await rawPair();
  peer.socket.pause();
  await stuffKernel(connection, Buffer.alloc(65_536));
  const closed = next(connection, 'close');
  connection.terminate(CloseCode.internal, 'gone');
  expect(await closed).toEqual([CloseCode.internal, 'gone', false]);
  peer.socket.resume();
  await until(() => peer.isClosed || peer.hasEnded, 'the peer to notice');
  const { accepted, bytesWritten, bytesDiscarded, bufferedAmount } = connection.stats();
  expect(bufferedAmount).toBe(0);
  expect(bytesWritten + bytesDiscarded).toBe(accepted.bytes);
});

it('is cut when told to terminate right after it was told to close', async () => {
  const { client, peer } = await rawServed({ reconnect: false });
  const ends: unknown[] = [];
  client.on('close', (...end) => ends.push(end));
  const closed = client.close(5, 'bye');
  client.terminate(7, 'now');
  await closed;
  expect(ends).toEqual([[7, 'now', false]]);
  // A socket that has read the end hears of the reset when it writes.
  peer.write('anybody there?');
  await peer.closed();
});

it('is cut from inside of a handler, also while the server waits for its connections', async () => {
  const { server, client } = await pair({ codec: 'text' }, { reconnect: false });
  const ends: unknown[] = [];
  server.on('clientClosed', (_connection, ...end) => ends.push(end));
  const served = new Promise<void>((resolve) => {
    server.on('message', (_message, connection) => {
      void connection.close(9, 'kick');
      resolve(server.close({ gracefulMs: 60_000 }));
      connection.terminate(11, 'now');
    });
  });
  client.send('go');
  await served;
  expect(ends).toEqual([[11, 'now', false]]);
});

it('is cut when told to terminate while the peer does not answer its close', async () => {
  const { connection, peer } = await rawPair();
  const closed = connection.close();
  await peer.ended();
  connection.terminate();
  await closed;
  peer.write('anybody there?');
  await peer.closed();
});

onNetwork('is unclean when the peer resets', async () => {
  const { connection, peer, server } = await rawPair();
  const heard = next(connection, 'message');
  const closed = next(connection, 'close');
  // One that has said nothing may not have taken the certificate, where there is one.
  peer.send('hello');
  await heard;
  peer.reset();
  expect((await closed)[2]).toBe(false);
  expect(server.errors.map(({ code }) => code)).toEqual(['ERR_QW_CONNECTION_LOST']);
  const what = `${connection.remoteAddress}:${connection.remotePort}`;
  expect(server.errors[0].details).toEqual({ errno: 'ECONNRESET', syscall: 'read', what });
});

it('leaves no-ops and typed rejections behind', async () => {
  const { client, connection } = await pair();
  await client.close();
  await until(() => connection.state === 'closed', 'the other end');
  for (const end of [client, connection]) {
    expect(end.send('late')).toBe('dropped');
    expect(end.bufferedAmount).toBe(0);
    end.flush();
    end.pause();
    end.resume();
    end.terminate();
    end.ref().unref();
    await end.close();
    expect(await failure(() => end.drained())).toMatchObject({ code: 'ERR_QW_CLOSED' });
    expect(await failure(() => end.flushed())).toMatchObject({ code: 'ERR_QW_CLOSED' });
    expect(end.stats().dropped.closed.messages).toBe(1);
    expect((await end[Symbol.asyncIterator]().next()).done).toBe(true);
  }
});

it('refuses codes and reasons that are none', async () => {
  const { connection } = await pair();
  for (const code of [-1, 1.5, NaN, 65_536, '0', null]) {
    expect(() => connection.close(code as never)).toThrow(
      expect.objectContaining({ code: 'ERR_QW_OPTION_INVALID' }),
    );
  }
  expect(() => connection.close(0, 7 as never)).toThrow(
    expect.objectContaining({ code: 'ERR_QW_OPTION_INVALID' }),
  );
  expect(connection.state).toBe('open');
});

it('can be asked for from inside of a handler', async () => {
  const { server, client } = await pair({ codec: 'json' });
  const seen: number[] = [];
  server.on('message', (message, connection) => {
    seen.push(message);
    if (message === 2) void connection.close();
  });
  for (let i = 0; i < 10; i += 1) client.send(i);
  await next(server, 'clientClosed');
  expect(seen).toEqual([0, 1, 2]);
});

onNetwork('keeps the addresses of the peer', async () => {
  const { client, peer } = await rawServed();
  const { remoteAddress, remotePort, localPort } = client;
  expect(remoteAddress).toBe('127.0.0.1');
  expect(remotePort).toBe(peer.socket.localPort);
  expect(localPort).toBe(peer.socket.remotePort);
  await Promise.all([client.close(), peer.ended().then(() => peer.end())]);
  expect([client.remoteAddress, client.remotePort]).toEqual([remoteAddress, remotePort]);
});
