/** What servers and clients tell of themselves: snapshots, metrics, log records, diagnostics; alike on both backends. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  createQWormholeClient,
  metricsText,
  type ClientTelemetry,
  type DiagnosticsMessage,
  type LogRecord,
  type ServerTelemetry,
} from 'qwormhole';
import { expect, it } from 'vitest';
import {
  ANYWHERE,
  CARRIER,
  IS_QWH,
  IS_TCP,
  call,
  cleanUp,
  echo,
  serve,
  somewhere,
} from '../support/scene.js';
import { failure, next, sleep, until } from '../support/wait.js';

/** Without what differs from run to run. */
function timeless(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !/^(#|qwormhole_(info|uptime|send|receive|tls_certificate))/.test(line) && line !== '');
}

it('has the same numbers on every backend: those of a conversation', async () => {
  const server = await serve({ codec: 'text' });
  echo(server);
  const client = await call(server, { codec: 'text' });
  for (const word of ['one', 'two', 'three']) {
    const answer = next(client, 'message');
    client.send(word);
    await answer;
  }
  await client.flushed();
  await until(() => server.stats().bytesWritten === 11, 'the last write to be counted');
  const handshakes = { accepted: IS_TCP ? 0 : 1, refused: 0, failed: 0, abandoned: 0 };
  expect(server.telemetry()).toMatchObject({
    role: 'server',
    id: server.id,
    mode: server.mode,
    backend: server.backend,
    ready: true,
    connections: 1,
    connectionsAccepted: 1,
    connectionsRefused: 0,
    handshakes,
    qwhHandshakes: { accepted: IS_QWH ? 1 : 0, refused: 0, failed: 0, timedOut: 0 },
    received: { messages: 3, bytes: 11 },
    accepted: { messages: 3, bytes: 11 },
    bytesWritten: 11,
    bufferedAmount: 0,
    backpressures: 0,
    drains: 0,
    heartbeatTimeouts: 0,
    faults: {},
  });
  expect(client.telemetry()).toMatchObject({
    role: 'client',
    id: client.id,
    state: 'open',
    connects: 1,
    reconnects: 0,
    disconnects: 0,
    attempts: { made: 1, succeeded: 1, failed: {} },
    received: { messages: 3, bytes: 11 },
    accepted: { messages: 3, bytes: 11 },
  });
  expect(server.telemetry().latency).toBeUndefined();
  expect(timeless(server.metrics({ name: 'a' })).slice(0, 4)).toEqual([
    'qwormhole_ready{role="server",name="a"} 1',
    'qwormhole_connections{role="server",name="a"} 1',
    'qwormhole_connections_accepted_total{role="server",name="a"} 1',
    'qwormhole_connections_refused_total{role="server",name="a"} 0',
  ]);
  expect(timeless(client.metrics())).toContain('qwormhole_messages_received_total{role="client"} 3');
  const both = metricsText([{ telemetry: server.telemetry() }, { telemetry: client.telemetry() }]);
  expect(both.match(/# TYPE qwormhole_messages_received_total counter/g)).toHaveLength(1);
});

it('counts backpressure, drains and drops', async () => {
  const server = await serve({ highWaterMark: 1000, lowWaterMark: 100, maxQueued: 4000 });
  const client = await call(server, { highWaterMark: 1000, lowWaterMark: 100, maxQueued: 4000 });
  const drained = next(client, 'drain');
  for (let i = 0; i < 10; i += 1) client.send(Buffer.alloc(900));
  await drained;
  const { backpressures, drains, dropped } = client.telemetry();
  expect([backpressures, drains]).toEqual([1, 1]);
  expect(dropped['queue-full'].messages).toBeGreaterThan(0);
  const line = `qwormhole_messages_dropped_total{role="client",reason="queue-full"} ${dropped['queue-full'].messages}`;
  expect(client.metrics()).toContain(line);
});

it('counts attempts by how they end, and reconnections', async () => {
  const server = await serve({}, await somewhere());
  const client = await call(server, { reconnect: { baseMs: 1, capMs: 5 } });
  await until(() => server.getConnectionCount() === 1, 'the client');
  const up = next(client, 'ready');
  for (const connection of server) connection.terminate();
  await up;
  expect(client.telemetry()).toMatchObject({ connects: 2, reconnects: 1, disconnects: 1 });
  await server.close();
  await until(() => (client.telemetry().attempts.failed.ERR_QW_CONNECT_REFUSED ?? 0) >= 2, 'failed attempts');
  const { made, succeeded, failed } = client.telemetry().attempts;
  expect(succeeded).toBe(2);
  expect(made - succeeded - failed.ERR_QW_CONNECT_REFUSED!).toBeLessThanOrEqual(1);
});

it.skipIf(IS_TCP)('counts handshakes by how they end', async () => {
  const authorize = ({ path, query }: { path: string; query: URLSearchParams }): any => {
    if (query.has('refuse')) return { status: 401 };
    if (query.has('close')) return { closeCode: 4000 };
    if (query.has('fail')) throw new Error(path);
  };
  const server = await serve({ authorize }, `${ANYWHERE}room`);
  const [address] = server.addresses;
  const options = { reconnect: false } as const;
  for (const query of ['?refuse', '?fail']) await failure(() => call(`${address}${query}`, options));
  await call(`${address}?close`, options).catch(() => {});
  await failure(() => call(address.replace('room', 'nowhere'), options));
  await call(address, options);
  // The last client may know of it before the server's JavaScript.
  await until(() => server.telemetry().handshakes.accepted === 1, 'the count');
  expect(server.telemetry().handshakes).toEqual({ accepted: 1, refused: 3, failed: 1, abandoned: 0 });
});

it('gives snapshots at an interval and one at the end', async () => {
  const seen: ServerTelemetry[] = [];
  const ofClient: ClientTelemetry[] = [];
  const server = await serve({
    telemetryIntervalMs: 20,
    onTelemetry: (telemetry: ServerTelemetry) => void seen.push(telemetry),
  });
  server.on('message', () => {});
  const client = await call(server, {
    telemetryIntervalMs: 60_000,
    onTelemetry: (t) => void ofClient.push(t),
  });
  // The first may be from before it listens.
  const ready = () => seen.filter((each) => each.ready);
  await until(() => ready().length >= 2, 'two snapshots');
  expect(ready()[0]).toMatchObject({ role: 'server', id: server.id });
  expect(ofClient).toEqual([]);
  client.send('x');
  await client.close();
  expect(ofClient).toMatchObject([{ role: 'client', state: 'closed', accepted: { messages: 1 } }]);
  await server.close();
  const count = seen.length;
  expect(seen.at(-1)).toMatchObject({ ready: false, connections: 0 });
  await sleep(60);
  expect(seen.length).toBe(count);
});

it('survives functions that throw: they are handlers that failed', async () => {
  const errors: unknown[] = [];
  const { client } = createQWormholeClient({
    endpoints: `${CARRIER}://127.0.0.1:1`,
    telemetryIntervalMs: 10,
    logLevel: 'debug',
    onTelemetry: () => {
      throw new Error('telemetry');
    },
    logger: () => Promise.reject(new Error('logger')),
  });
  cleanUp(() => client.close());
  client.on('handlerError', (error) => errors.push((error as Error).message));
  await failure(() => client.connect());
  await until(() => errors.includes('telemetry') && errors.includes('logger'), 'both errors');
});

it('logs what happens, with levels and the ids of connections', async () => {
  const records: LogRecord[] = [];
  const ofClient: LogRecord[] = [];
  const logger = (record: LogRecord) => void records.push(record);
  const server = await serve({ logger, logLevel: 'debug' });
  const client = await call(server, {
    logger: (record) => void ofClient.push(record),
    reconnect: { baseMs: 1, capMs: 5 },
  });
  await until(() => server.getConnectionCount() === 1, 'the client');
  const [connection] = server;
  const up = next(client, 'ready');
  connection.terminate(3, 'enough');
  await up;
  await client.close();
  await until(() => server.getConnectionCount() === 0, 'the end of the connection');
  await server.close();
  const events = records.map(({ event }) => event);
  expect(events.slice(0, 3)).toEqual(['server.listening', 'server.connection', 'server.clientClosed']);
  expect(events.slice(-2)).toEqual(['server.draining', 'server.close']);
  expect(records[1]).toMatchObject({
    level: 'debug',
    id: server.id,
    connection: connection.id,
    carrier: CARRIER,
    remoteAddress: '127.0.0.1',
  });
  expect(records[2]).toMatchObject({ connection: connection.id, code: 3, reason: 'enough', clean: false });
  expect(records[0].time).toBeGreaterThan(Date.now() - 60_000);
  expect(ofClient.filter(({ level }) => level === 'debug')).toEqual([]);
  expect(ofClient.map(({ event }) => event)).toEqual(
    expect.arrayContaining(['client.connect', 'client.disconnect', 'client.reconnecting', 'client.close']),
  );
});

it('publishes the same on channels of node:diagnostics_channel', async () => {
  const messages: DiagnosticsMessage[] = [];
  const onMessage = (message: unknown): void => void messages.push(message as DiagnosticsMessage);
  subscribe('qwormhole:server.connection', onMessage);
  cleanUp(() => unsubscribe('qwormhole:server.connection', onMessage));
  const server = await serve();
  await call(server);
  await until(() => messages.length === 1, 'the message');
  const [connection] = server;
  expect(messages[0]).toMatchObject({ event: 'server.connection', id: server.id, connection: connection.id });
  expect(messages[0].source).toBe(server);
});

it('measures latencies when told to', async () => {
  const server = await serve({ profiling: true, codec: 'json' });
  const client = await call(server, { profiling: true, codec: 'json' });
  const busy = 20;
  server.on('message', (message, connection) => {
    const end = performance.now() + (message === 0 ? busy : 0);
    while (performance.now() < end);
    connection.send(message);
  });
  const last = new Promise<void>((resolve) => client.on('message', (n) => n === 9 && resolve()));
  for (let n = 0; n < 10; n += 1) client.send(n);
  await last;
  await until(() => client.telemetry().latency!.sendToKernel.count > 0, 'a sample');
  const { receiveToHandler } = server.telemetry().latency!;
  expect(receiveToHandler.count).toBe(10);
  // Those that came together with the first waited for its listener.
  expect(receiveToHandler.maxMs).toBeGreaterThanOrEqual(busy - 1);
  expect(receiveToHandler.buckets.at(-1)!.count).toBe(10);
  expect(server.metrics()).toContain('qwormhole_receive_seconds_bucket{role="server",le="+Inf"} 10');
  expect(server.stats().received.messages).toBe(10);
});
