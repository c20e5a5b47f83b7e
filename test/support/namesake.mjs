/**
 * Clients of names that a resolver does not answer, or late (`slow-names.c`), and others beside them. Prints what became of
 * them as a line of JSON. Argument: what is to be tried.
 */
import { readFile } from 'node:fs/promises';
import { connect, createQWormholeClient, listen } from '../../dist/index.js';

const clock = () => {
  const from = performance.now();
  return () => performance.now() - from;
};

async function echoServer(endpoint, options) {
  const server = await listen(endpoint, { codec: 'text', ...options });
  server.on('message', (message, connection) => connection.send(message));
  return server;
}

async function echoed(client, text) {
  const heard = new Promise((resolve) => client.once('message', resolve));
  client.send(text);
  return heard;
}

/** Calls such a name again and again. */
function caller(name) {
  const { client } = createQWormholeClient({
    endpoints: `tcp://${name}:9`,
    connectTimeoutMs: 100,
    reconnect: { initial: true, baseMs: 1, capMs: 10 },
  });
  client.connect().catch(() => {});
  return client;
}

/** So many attempts of one of them have run out of time. */
function attempts(client, count) {
  return new Promise((resolve) => client.on('reconnecting', (attempt) => attempt === count && resolve()));
}

const TRIED = {
  async limit() {
    const took = clock();
    const { code, details } = await connect('tcp://slow-name:9', { connectTimeoutMs: 500 }).catch(
      (error) => error,
    );
    return { code, what: details?.what, tookMs: took() };
  },

  /** A name is asked for again and again, by several. */
  async again() {
    const callers = Array.from({ length: 5 }, () => caller('slow-name'));
    await Promise.all(callers.map((client) => attempts(client, 3)));
    const server = await echoServer('tcp://127.0.0.1:0');
    const took = clock();
    const client = await connect(`tcp://late-name:${new URL(server.addresses[0]).port}`, { codec: 'text' });
    return { echo: await echoed(client, 'by name'), tookMs: took() };
  },

  /** As many names as there are threads for them: what has no name to ask for is not concerned. */
  async others() {
    const callers = Array.from({ length: 8 }, (_, index) => caller(`slow-${index}`));
    await Promise.all(callers.map((client) => attempts(client, 2)));
    const took = clock();
    const plain = await echoServer('tcp://127.0.0.1:0');
    const deflate = { protocol: 'raw', deflate: { threshold: 1 } };
    const compressed = await echoServer('ws://127.0.0.1:0/', deflate);
    const clients = [
      await connect(plain.addresses[0], { codec: 'text' }),
      await connect(compressed.addresses[0], { codec: 'text', ...deflate }),
    ];
    const echoes = [];
    for (const client of clients) echoes.push(await echoed(client, 'to an address'.repeat(10)));
    const file = (await readFile(new URL(import.meta.url), 'utf8')).length > 0;
    const tookMs = took();
    const closing = clock();
    await Promise.all([...callers.map((client) => client.close()), plain.close(), compressed.close()]);
    return { echoes: echoes.map(({ length }) => length), file, tookMs, closedMs: closing() };
  },

  async next() {
    const server = await echoServer('tcp://127.0.0.1:0');
    const took = clock();
    const client = await connect(['tcp://slow-name:9', server.addresses[0]], { codec: 'text' });
    return { echo: await echoed(client, 'the other one'), tookMs: took() };
  },
};

process.stdout.write(`${JSON.stringify(await TRIED[process.argv[2]]())}\n`);
