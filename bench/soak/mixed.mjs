/** Everything at once: all carriers, all sizes, topics, slow readers, resets, clients that come and go. */
import { setTimeout as sleep } from 'node:timers/promises';

import { connect, listen } from '../../dist/index.js';
import { ChaosProxy } from '../../dist/testing/index.js';
import { backendOptions } from '../lib/child.mjs';

/** Between two samples, seconds: of a run of a minute there are enough. */
const SAMPLE_SECONDS = { least: 3, most: 10 };
const SAMPLES = 20;
const CLIENTS = 24;
/** From nothing to what takes several slabs, bytes. */
const SIZES = [0, 1, 60, 1000, 5000, 20_000, 70_000, 300_000];
/** Of one client between its calls, ms. */
const REST_MS = 10;

export async function run({ backend, minutes }, sample) {
  const options = backendOptions(backend, 'qwh');
  const server = await listen(['tcp://127.0.0.1:0', 'ws://127.0.0.1:0/soak'], {
    ...options,
    deflate: { threshold: 512 },
  });
  server.on('message', (message, connection) => void connection.send(message));
  server.on('connection', (connection) => connection.subscribe?.('all'));
  server.on('error', () => {});
  const proxies = await Promise.all(
    server.addresses.map((address) => ChaosProxy.before(address, { split: 20_000 })),
  );
  const urls = [...server.addresses, ...proxies.map(({ url }) => url)];
  const counts = { messages: 0, lives: 0 };
  const seconds = Number(minutes) * 60;
  const { least, most } = SAMPLE_SECONDS;
  const every = Math.min(most, Math.max(least, seconds / SAMPLES)) * 1000;
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const until = Math.min(performance.now() + every, end);
    const cut = setInterval(() => proxies.forEach((proxy) => proxy.reset()), every / 5);
    const publish = setInterval(() => server.publish?.('all', Buffer.alloc(2000, 1)), 20);
    await Promise.all(
      Array.from({ length: CLIENTS }, (_, index) => lives(urls[index % urls.length], options, until, counts)),
    );
    clearInterval(cut);
    clearInterval(publish);
    await sample(
      `${counts.messages} messages, ${counts.lives} connections`,
      () => server.getConnectionCount() === 0,
    );
  }
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await server.close();
}

/** One client after the other. */
async function lives(url, options, until, counts) {
  for (let life = 0; performance.now() < until; life += 1) {
    const client = await connect(url, { ...options, reconnect: { baseMs: 5, capMs: 50 } }).catch(
      () => undefined,
    );
    if (client === undefined) continue;
    counts.lives += 1;
    client.on('error', () => {});
    client.on('message', () => (counts.messages += 1));
    for (let turn = 0; turn < 20 && performance.now() < until; turn += 1) {
      for (const size of SIZES) if ((size + turn) % 3 !== 0) client.send(Buffer.alloc(size, turn));
      if (turn % 7 === 3) client.pause();
      await sleep(REST_MS);
      client.resume();
    }
    if (life % 2 === 0) client.terminate();
    else await client.close();
  }
}
