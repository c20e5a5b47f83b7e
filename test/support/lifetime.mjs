/**
 * A process that ends by itself or not, by what it leaves open. Argument: the name of a case. Prints `up`
 * when it has nothing left to do.
 */
import { connect, listen } from '../../dist/index.js';

const ANYWHERE = 'tcp://127.0.0.1:0';

const cases = {
  async 'closed server and client'() {
    const server = await listen(ANYWHERE);
    const client = await connect(server.addresses[0]);
    await client.close();
    await server.close();
  },
  async 'listening server'() {
    await listen(ANYWHERE);
  },
  async 'unreferenced server'() {
    (await listen(ANYWHERE)).unref();
  },
  async 'open client'() {
    const server = await listen(ANYWHERE);
    server.unref();
    server.on('connection', (connection) => connection.unref());
    await connect(server.addresses[0]);
  },
  async 'unreferenced client'() {
    const server = await listen(ANYWHERE);
    server.unref();
    server.on('connection', (connection) => connection.unref());
    (await connect(server.addresses[0])).unref();
  },
  async 'client that reconnects'() {
    const server = await listen(ANYWHERE);
    const client = await connect(server.addresses[0]);
    client.on('error', () => {});
    await server.close();
  },
  async 'unreferenced client that reconnects'() {
    const server = await listen(ANYWHERE);
    const client = await connect(server.addresses[0], { reconnect: { baseMs: 60_000, capMs: 60_000 } });
    client.unref();
    client.on('error', () => {});
    await server.close();
  },
};

await cases[process.argv[2]]();
process.stdout.write('up\n');
