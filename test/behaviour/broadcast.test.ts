/** One message to many. */
import { expect, it } from 'vitest';
import { call, serve } from '../support/scene.js';
import { collect, times, until } from '../support/wait.js';

async function audience(count: number, codec: 'text' | 'json' = 'text') {
  const server = await serve({ codec });
  const clients = await Promise.all(Array.from({ length: count }, () => call(server, { codec })));
  await until(() => server.getConnectionCount() === count, 'all connections');
  return { server, clients, connections: [...server] };
}

it('reaches every connection and says so', async () => {
  const { server, clients } = await audience(20, 'json');
  const received = Promise.all(clients.map((client) => collect(client, 'message', 1)));
  expect(server.broadcast({ news: 1 })).toEqual({ accepted: 20, dropped: 0 });
  expect(await received).toEqual(times(20, [{ news: 1 }]));
});

it('leaves out whom it is told to', async () => {
  const { server, clients, connections } = await audience(4);
  const seen: string[][] = clients.map(() => []);
  clients.forEach((client, i) => client.on('message', (message) => seen[i].push(message)));
  expect(server.broadcast('a', { except: connections[0] }).accepted).toBe(3);
  expect(server.broadcast('b', { except: connections[0].id }).accepted).toBe(3);
  expect(server.broadcast('c', { except: [connections[0], connections[1].id] }).accepted).toBe(2);
  expect(server.broadcast('d', { except: connections }).accepted).toBe(0);
  expect(server.broadcast('e').accepted).toBe(4);
  await until(() => seen.every((messages) => messages.at(-1) === 'e'), 'the last');
  expect(seen.map((messages) => messages.length).sort()).toEqual([1, 3, 4, 4]);
});

it('encodes once', async () => {
  let encoded = 0;
  const codec = {
    // The clients' own, which both ends name.
    name: 'text',
    encode: (message: string) => ((encoded += 1), message),
    decode: (payload: Buffer) => payload.toString(),
  };
  const server = await serve({ codec });
  const clients = await Promise.all(Array.from({ length: 5 }, () => call(server, { codec: 'text' })));
  await until(() => server.getConnectionCount() === 5, 'all connections');
  const received = Promise.all(clients.map((client) => collect(client, 'message', 1)));
  server.broadcast('once');
  await received;
  expect(encoded).toBe(1);
});

it('throws as send does, before anybody gets anything', async () => {
  const { server, clients } = await audience(2, 'json');
  let received = 0;
  clients.forEach((client) => client.on('message', () => (received += 1)));
  expect(() => server.broadcast(undefined)).toThrow(expect.objectContaining({ code: 'ERR_QW_ENCODE' }));
  expect(() => server.broadcast('x'.repeat(5 << 20))).toThrow(
    expect.objectContaining({ code: 'ERR_QW_TOO_BIG' }),
  );
  server.broadcast('fine');
  await until(() => received === 2, 'the good one');
});

it('keeps the order between broadcasts and single messages', async () => {
  const { server, clients, connections } = await audience(3);
  const received = Promise.all(clients.map((client) => collect(client, 'message', 60)));
  for (let i = 0; i < 30; i += 1) {
    server.broadcast(`b${i}`);
    for (const connection of connections) connection.send(`s${i}`);
  }
  const expected = Array.from({ length: 30 }, (_, i) => [`b${i}`, `s${i}`]).flat();
  expect(await received).toEqual([expected, expected, expected]);
});

it('goes to nobody when nobody is there', async () => {
  const server = await serve();
  expect(server.broadcast('hello?')).toEqual({ accepted: 0, dropped: 0 });
});
