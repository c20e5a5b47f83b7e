/** What telemetry tells of handshakes: who came, how many of which end, and how long they took. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect, type LogRecord } from 'qwormhole';
import { expect, it } from 'vitest';
import { StreamPeer } from '../support/qwh-peer.js';
import { CARRIER, cleanUp, pair, serve } from '../support/scene.js';
import { failure, next, sleep, until } from '../support/wait.js';

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const OF_CLIENT = { intent: 'prices', shard: { id: 1, of: 4 } };
const OF_SERVER = { intent: 'serving', shard: { id: 0, of: 2 }, tags: ['north'] };

it('tells nv, intent and shard of each peer: to the logger, to channels, and in snapshots', async () => {
  const records: LogRecord[] = [];
  const heard: Record<string, any> = {};
  const onMessage = (message: any, name: string | symbol) => (heard[String(name)] = message);
  for (const name of ['qwormhole:server.connection', 'qwormhole:client.connect']) {
    subscribe(name, onMessage);
    cleanUp(() => unsubscribe(name, onMessage));
  }
  const logged = { logger: (record: LogRecord) => records.push(record), logLevel: 'debug' } as const;
  const { server, client, connection } = await pair(
    { ...logged, meta: OF_SERVER },
    { ...logged, meta: OF_CLIENT, trace: TRACE },
  );
  const { sid } = client.handshake!;
  const transportOf = ({ mode, backend }: { mode: string; backend: string }) => ({
    native: mode === 'native',
    backend,
  });
  const expected = {
    'server.connection': {
      sid,
      ...OF_CLIENT,
      transport: transportOf(client),
      nv: connection.handshake!.nv,
      trace: TRACE,
    },
    // Tags are the application's.
    'client.connect': {
      sid,
      intent: 'serving',
      shard: { id: 0, of: 2 },
      transport: transportOf(server),
      nv: client.handshake!.nv,
    },
  };
  for (const [event, handshake] of Object.entries(expected)) {
    expect(records.find((record) => record.event === event)!.handshake).toEqual(handshake);
    expect(heard[`qwormhole:${event}`].handshake).toEqual(handshake);
    expect(handshake.nv).toMatchObject({ samples: 256, hash: expect.stringMatching(/^[0-9a-f]{16}$/) });
  }
  expect(server.telemetry().handshake).toEqual(expected['server.connection']);
  expect(client.telemetry().handshake).toEqual(expected['client.connect']);
});

it('samples the traffic for nv while that is profiled, and random bytes else', async () => {
  for (const profiling of [true, false]) {
    const { server, client, connection } = await pair({}, { profiling, reconnect: { baseMs: 1, capMs: 1 } });
    connection.on('message', () => {});
    const first = connection.handshake!.nv!;
    expect(first.samples).toBe(256);
    // One byte over and over has an entropy of 0, which chance has not.
    for (let count = 0; count < 1000; count += 1) client.send(Buffer.alloc(100, 0x61));
    await client.flushed();
    const again = next(server, 'connection');
    connection.terminate();
    const [{ handshake }] = await again;
    expect(handshake.nv.hash).not.toBe(first.hash);
    if (profiling) expect(handshake.nv).toMatchObject({ entropy: 0, samples: 4096 });
    else {
      expect(handshake.nv.samples).toBe(256);
      expect(handshake.nv.entropy).toBeGreaterThan(6.5);
    }
    await client.close();
  }
});

it('samples what comes, too, and tells nothing of a few bytes', async () => {
  const { server, client, connection } = await pair(
    {},
    { profiling: true, reconnect: { baseMs: 1, capMs: 1 } },
  );
  client.on('message', () => {});
  connection.send('a password');
  await until(() => client.stats().received.messages === 1, 'the message');
  let again = next(server, 'connection');
  connection.terminate();
  let [other] = await again;
  expect(other.handshake.nv.samples).toBe(256);
  for (let count = 0; count < 1000; count += 1) other.send(Buffer.alloc(100, 0x62));
  await until(() => client.stats().received.messages === 1001, 'the messages');
  again = next(server, 'connection');
  other.terminate();
  [other] = await again;
  expect(other.handshake.nv.samples).toBeGreaterThan(256);
  expect(other.handshake.nv.entropy).toBeLessThan(1);
});

it('measures how long handshakes take that are accepted', async () => {
  const server = await serve({ verifyHandshake: ({ intent }) => sleep(100).then(() => intent !== 'no') });
  const client = await connect(server.addresses[0], { protocol: 'qwh' });
  cleanUp(() => client.close());
  await failure(() => connect(server.addresses[0], { protocol: 'qwh', meta: { intent: 'no' } }));
  for (const { qwhHandshakeTime } of [server.stats(), client.stats()]) {
    expect(qwhHandshakeTime.count).toBe(1);
    expect(qwhHandshakeTime.sumMs).toBeGreaterThan(30);
    expect(qwhHandshakeTime.maxMs).toBe(qwhHandshakeTime.sumMs);
  }
  expect(server.stats().handshakeTime.count).toBe(CARRIER === 'tcp' || CARRIER === 'tls' ? 0 : 1);
  expect(server.metrics()).toContain('qwormhole_qwh_handshake_seconds_count{role="server"} 1\n');
  expect(client.metrics()).toContain('qwormhole_qwh_handshake_seconds_bucket{role="client",le="0.025"} 0\n');
});

it.skipIf(CARRIER !== 'tcp')('counts handshakes that are too slow by themselves', async () => {
  const server = await serve({ handshakeTimeoutMs: 100 });
  // One says who it is and is not ready, the other does not say what it speaks.
  const peers = [new StreamPeer(server.addresses[0], false), new StreamPeer(server.addresses[0])];
  peers[1].socket.removeAllListeners('connect');
  await until(() => server.stats().qwhHandshakes.timedOut === 2, 'both');
  expect(server.stats().qwhHandshakes).toEqual({ accepted: 0, refused: 0, failed: 0, timedOut: 2 });
  expect(server.metrics()).toContain('qwormhole_qwh_handshakes_total{role="server",result="timed-out"} 2\n');
});

it('counts connections by what they do', async () => {
  const { server, client, connection } = await pair({ closeTimeoutMs: 10_000 });
  const byState = (text: string, state: string) =>
    Number(new RegExp(`connections_by_state\\{[^}]*state="${state}"\\} (\\d+)`).exec(text)![1]);
  expect(server.stats().connectionStates).toEqual({ open: 1, closing: 0 });
  expect([byState(client.metrics(), 'open'), byState(client.metrics(), 'closed')]).toEqual([1, 0]);
  // Its end waits for what the client does not take.
  connection.on('message', () => {});
  const closing = connection.close();
  expect([byState(server.metrics(), 'open'), byState(server.metrics(), 'closing')]).toEqual([0, 1]);
  await closing;
  await client.close();
  expect([byState(client.metrics(), 'open'), byState(client.metrics(), 'closed')]).toEqual([0, 1]);
});
