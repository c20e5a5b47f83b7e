/**
 * Two ends in one process whose wall clock jumps meanwhile, by a day and back by two (`wall-clock.c`). Prints what became
 * of it as a line of JSON. Argument: what is to be tried.
 */
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createQWormholeClient, listen } from '../../dist/index.js';

const DAY = 86_400;
const file = openSync(process.env.WALL_CLOCK_FILE, 'r+');

/** Sets the wall clock so many days from the right time; how far it has gone, by itself. */
function jumpTo(days) {
  const before = Date.now();
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(days * DAY));
  writeSync(file, bytes, 0, 8, 0);
  return Math.round((Date.now() - before) / 1000 / DAY);
}

/** A day on, and two days back, with a rest before each and at the end. */
async function disturb(restMs) {
  const jumps = [];
  for (const days of [1, -1]) {
    await sleep(restMs);
    jumps.push(jumpTo(days));
  }
  await sleep(restMs);
  return jumps;
}

function watched(one, errors) {
  one.on('error', ({ code }) => errors.push(code));
  return one;
}

async function pair(options, clientOptions = options) {
  const errors = [];
  const server = watched(await listen('tcp://127.0.0.1:0', { codec: 'text', ...options }), errors);
  server.on('message', (message, connection) => connection.send(message));
  const client = watched(await connect(server.addresses[0], { codec: 'text', ...clientOptions }), errors);
  return { server, client, errors };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const TRIED = {
  async watching() {
    const options = { heartbeat: { intervalMs: 200, timeoutMs: 1000 }, idleTimeoutMs: 10_000 };
    const { client, errors } = await pair(options, { ...options, reconnect: false });
    const jumps = await disturb(600);
    const echoed = new Promise((resolve) => client.once('message', resolve));
    client.send('still there');
    return { jumps, errors, state: client.state, echoed: await echoed };
  },

  async reconnecting() {
    const { client } = createQWormholeClient({
      endpoints: `tcp://127.0.0.1:${await freePort()}`,
      reconnect: { initial: true, baseMs: 50, capMs: 200 },
    });
    const pauses = [];
    let last = performance.now();
    client.on('reconnecting', () => {
      const now = performance.now();
      pauses.push(now - last);
      last = now;
    });
    client.connect().catch(() => {});
    const counts = [];
    const counting = setInterval(() => counts.push(pauses.length), 1000);
    const jumps = await disturb(1000);
    clearInterval(counting);
    return { jumps, longest: Math.max(...pauses), counts };
  },

  async waiting() {
    const port = await freePort();
    const dropped = [];
    const orphan = (maxAgeMs) => {
      const { client } = createQWormholeClient({
        endpoints: `tcp://127.0.0.1:${port}`,
        codec: 'text',
        reconnect: { initial: true, baseMs: 20, capMs: 100 },
        offlineQueue: { maxAgeMs },
      });
      client.on('dropped', ({ reason }) => dropped.push([maxAgeMs, reason]));
      client.connect().catch(() => {});
      return client;
    };
    orphan(60_000).send('kept');
    const short = orphan(1500);
    const from = performance.now();
    const expired = new Promise((resolve) => short.once('dropped', () => resolve(performance.now() - from)));
    short.send('too old');
    const jumps = await disturb(300);
    const tookMs = await expired;
    const server = await listen(`tcp://127.0.0.1:${port}`, { codec: 'text' });
    const arrived = await new Promise((resolve) => server.once('message', (message) => resolve(message)));
    return { jumps, dropped, tookMs, arrived };
  },

  async paced() {
    const outboundRate = { bytesPerSecond: 200_000, burstBytes: 50_000 };
    const { client, errors } = await pair({}, { outboundRate });
    const times = [];
    const all = new Promise((resolve) =>
      client.on('message', () => {
        if (times.push(performance.now()) === 10) resolve();
      }),
    );
    const from = performance.now();
    for (let number = 0; number < 10; number += 1) client.send('x'.repeat(40_000));
    const [jumps] = await Promise.all([disturb(400), all]);
    return { jumps, errors, tookMs: times.at(-1) - from };
  },

  async limited() {
    // Takes connections and says nothing.
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address();
    const from = performance.now();
    const failure = connect(`tcp://127.0.0.1:${port}`, { connectTimeoutMs: 1500, reconnect: false }).catch(
      ({ code }) => ({ code, tookMs: performance.now() - from }),
    );
    const [jumps, failed] = await Promise.all([disturb(400), failure]);
    return { jumps, ...failed };
  },

  async told() {
    const { server, client } = await pair({});
    const readings = [];
    const read = () => {
      const { uptimeMs, time, qwhHandshakeTime } = client.telemetry();
      readings.push({ uptimeMs, ahead: Math.round((time - Date.now()) / 1000), qwhHandshakeTime });
    };
    read();
    const reading = setInterval(read, 300);
    const jumps = await disturb(300);
    clearInterval(reading);
    read();
    return { jumps, readings, server: server.telemetry().uptimeMs };
  },
};

process.stdout.write(`${JSON.stringify(await TRIED[process.argv[2]]())}\n`, () => process.exit());
