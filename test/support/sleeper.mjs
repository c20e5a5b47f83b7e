/**
 * A server in a process of its own, whose JavaScript can be put to sleep. Prints `{ addresses, mode }`, and a line of
 * JSON for each event. Arguments: the endpoint, and options as JSON. `sleep <ms>` on its standard input blocks it.
 */
import { createInterface } from 'node:readline';
import { listen } from '../../dist/index.js';

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const [endpoint, options] = process.argv.slice(2);
const server = await listen(endpoint, JSON.parse(options));
server.on('message', (message, connection) => connection.send(message));
server.on('error', ({ code }) => say({ event: 'error', code }));
server.on('connection', (connection) => connection.on('close', (code) => say({ event: 'closed', code })));
say({ addresses: server.addresses, mode: server.mode });

for await (const line of createInterface({ input: process.stdin })) {
  const [word, ms] = line.split(' ');
  if (word !== 'sleep') continue;
  say({ event: 'asleep' });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
  say({ event: 'awake' });
}
await server.close();
